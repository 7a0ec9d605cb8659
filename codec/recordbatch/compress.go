package recordbatch

import (
	"bytes"
	"encoding/binary"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// compressor keeps the encoders of a builder. All work at their default level:
// restore writes what a producer would.
type compressor struct {
	gzip *gzip.Writer
	lz4  *lz4.Writer
	zstd *zstd.Encoder
}

// compress appends the compressed body to out.
func (c *compressor) compress(out []byte, codec Codec, body []byte) ([]byte, error) {
	switch codec {
	case CodecGzip:
		return c.appendGzip(out, body)
	case CodecSnappy:
		return appendSnappy(out, body), nil
	case CodecLZ4:
		return c.appendLZ4(out, body)
	case CodecZstd:
		return c.appendZstd(out, body)
	default:
		return append(out, body...), nil
	}
}

func (c *compressor) appendGzip(out, body []byte) ([]byte, error) {
	buf := bytes.NewBuffer(out)
	if c.gzip == nil {
		c.gzip = gzip.NewWriter(buf)
	} else {
		c.gzip.Reset(buf)
	}
	if _, err := c.gzip.Write(body); err != nil {
		return out, err
	}
	err := c.gzip.Close()
	return buf.Bytes(), err
}

// appendLZ4 writes the frame of the Java client: independent blocks of 64 KiB,
// no checksum of the content, which old Java clients do not expect.
func (c *compressor) appendLZ4(out, body []byte) ([]byte, error) {
	buf := bytes.NewBuffer(out)
	if c.lz4 == nil {
		c.lz4 = lz4.NewWriter(buf)
		err := c.lz4.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false), lz4.ConcurrencyOption(1))
		if err != nil {
			return out, err
		}
	} else {
		c.lz4.Reset(buf)
	}
	if _, err := c.lz4.Write(body); err != nil {
		return out, err
	}
	err := c.lz4.Close()
	return buf.Bytes(), err
}

// appendZstd writes no checksum, as producers do: the batch has its own.
func (c *compressor) appendZstd(out, body []byte) ([]byte, error) {
	if c.zstd == nil {
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			return out, err
		}
		c.zstd = enc
	}
	return c.zstd.EncodeAll(body, out), nil
}

// appendSnappy writes the framing of the Java client, which every client reads.
func appendSnappy(out, body []byte) []byte {
	out = append(out, snappyMagic...)
	out = binary.BigEndian.AppendUint32(out, 1) // version
	out = binary.BigEndian.AppendUint32(out, 1) // oldest version that can read it
	var block []byte
	for len(body) > 0 {
		n := min(len(body), snappyBlock)
		block = s2.EncodeSnappy(block[:cap(block)], body[:n])
		out = binary.BigEndian.AppendUint32(out, uint32(len(block)))
		out = append(out, block...)
		body = body[n:]
	}
	return out
}
