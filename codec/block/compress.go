package block

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Compressor compresses bodies, one at a time: it is not safe for concurrent
// use. The zero value is ready; it keeps its buffer for the next body.
type Compressor struct {
	zstd *zstd.Encoder
	buf  []byte
}

// Compress returns the body in the form to store, and what was done to it. It
// is the body itself and None when compression would not save anything. The
// result is valid until the next call.
func (c *Compressor) Compress(kind Compression, body []byte) ([]byte, Compression, error) {
	var packed []byte
	switch kind {
	case None:
		return body, None, nil
	case Zstd:
		e, err := c.encoder()
		if err != nil {
			return nil, None, err
		}
		c.buf = e.EncodeAll(body, c.buf[:0])
		packed = c.buf
	case S2:
		packed = s2.Encode(c.buf[:cap(c.buf)], body)
		c.buf = packed[:0]
	default:
		return nil, None, fmt.Errorf("compress body: %v is unknown", kind)
	}
	if len(packed) >= len(body) {
		return body, None, nil
	}
	return packed, kind, nil
}

// encoder uses the fastest level: on JSON orders the default one takes twice
// the time for the same ratio. No checksum, for GCM has one already.
func (c *Compressor) encoder() (*zstd.Encoder, error) {
	if c.zstd != nil {
		return c.zstd, nil
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	c.zstd = e
	return e, nil
}

// Memory is how many bytes the compressor keeps between bodies, without the
// tables of zstd.
func (c *Compressor) Memory() int { return cap(c.buf) }

// Decompressor undoes compression. The zero value is ready and safe for
// concurrent use. It holds no goroutine and needs no closing.
type Decompressor struct {
	once sync.Once
	zstd *zstd.Decoder
	err  error
}

func (d *Decompressor) decoder() (*zstd.Decoder, error) {
	d.once.Do(func() {
		d.zstd, d.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true),
			zstd.WithDecoderMaxMemory(MaxBody), zstd.WithDecoderMaxWindow(MaxBody))
	})
	return d.zstd, d.err
}

// Decompress fills into, which is as long as the body, and never writes more:
// what decompresses to another length is ErrDamaged.
func (d *Decompressor) Decompress(kind Compression, into, stored []byte) error {
	var n int
	var err error
	switch kind {
	case Zstd:
		n, err = d.decodeZstd(into, stored)
	case S2:
		n, err = decodeS2(into, stored)
	default:
		return fmt.Errorf("decompress %v: not a compression: %w", kind, ErrDamaged)
	}
	if err != nil {
		return fmt.Errorf("decompress %v: %v: %w", kind, err, ErrDamaged)
	}
	if n != len(into) {
		return fmt.Errorf("decompress %v: %d bytes, want %d: %w", kind, n, len(into), ErrDamaged)
	}
	return nil
}

func (d *Decompressor) decodeZstd(into, stored []byte) (int, error) {
	z, err := d.decoder()
	if err != nil {
		return 0, err
	}
	out, err := z.DecodeAll(stored, into[:0:len(into)])
	return len(out), err
}

func decodeS2(into, stored []byte) (int, error) {
	n, err := s2.DecodedLen(stored)
	if err != nil || n != len(into) {
		return n, err
	}
	_, err = s2.Decode(into, stored)
	return n, err
}
