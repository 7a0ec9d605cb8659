package recordbatch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

var (
	errTooLarge    = errors.New("decompressed records are above the limit")
	errSnappyFrame = errors.New("snappy framing is broken")
)

// decompress fills d.buf with the records in body, at most d.max bytes of them.
func (d *Decoder) decompress(codec Codec, body []byte) ([]byte, error) {
	var err error
	switch codec {
	case CodecGzip:
		err = d.ungzip(body)
	case CodecSnappy:
		err = d.unsnappy(body)
	case CodecLZ4:
		err = d.unlz4(body)
	case CodecZstd:
		err = d.unzstd(body)
	}
	if err != nil {
		return nil, err
	}
	return d.buf, nil
}

func (d *Decoder) ungzip(body []byte) (err error) {
	d.src.Reset(body)
	defer d.src.Reset(nil)
	if d.gzip == nil {
		d.gzip, err = gzip.NewReader(&d.src)
	} else {
		err = d.gzip.Reset(&d.src)
	}
	if err != nil {
		return err
	}
	return d.readAll(d.gzip)
}

func (d *Decoder) unlz4(body []byte) error {
	d.src.Reset(body)
	defer d.src.Reset(nil)
	if d.lz4 == nil {
		d.lz4 = lz4.NewReader(&d.src) // starts with concurrency 1: no goroutines
	} else {
		d.lz4.Reset(&d.src)
	}
	return d.readAll(d.lz4)
}

// readAll reads r to its end. The buffer grows with what was really read.
func (d *Decoder) readAll(r io.Reader) error {
	d.buf = d.buf[:0]
	for {
		d.reserve(512)
		n, err := r.Read(d.buf[len(d.buf):cap(d.buf)])
		d.buf = d.buf[:len(d.buf)+n]
		if len(d.buf) > d.max { // before err: the last bytes may come together with io.EOF
			return errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// reserve makes room for n more bytes, doubling so that a batch is not copied
// often.
func (d *Decoder) reserve(n int) {
	if cap(d.buf)-len(d.buf) >= n {
		return
	}
	grown := make([]byte, len(d.buf), max(len(d.buf)+n, 2*cap(d.buf)))
	copy(grown, d.buf)
	d.buf = grown
}

func (d *Decoder) unzstd(body []byte) (err error) {
	if d.zstd == nil {
		if d.zstd, err = newZstd(d.max); err != nil {
			return err
		}
	}
	d.buf = d.buf[:0]
	d.reserve(min(zstdRoom, d.max))
	d.buf, err = d.zstd.DecodeAll(body, d.buf)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) || len(d.buf) > d.max {
		return errTooLarge
	}
	return err
}

func newZstd(limit int) (*zstd.Decoder, error) {
	return zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1), // DecodeAll then works on the caller's goroutine with one set of tables
		zstd.IgnoreChecksum(true),      // the batch has a CRC of its own, and Next has checked it
		zstd.WithDecoderMaxMemory(uint64(max(limit, zstdMinWindow))))
}

// Snappy has two forms: one plain block, and the framing of the Java client,
// which is a head of 16 bytes and then blocks, each behind its length. The head
// may come again where streams were joined.
var snappyMagic = []byte("\x82SNAPPY\x00")

const snappyHead = 16 // the magic, version, oldest version that can read it

func (d *Decoder) unsnappy(body []byte) error {
	d.buf = d.buf[:0]
	if !bytes.HasPrefix(body, snappyMagic) {
		return d.unsnappyBlock(body)
	}
	for len(body) > 0 {
		if bytes.HasPrefix(body, snappyMagic) && len(body) >= snappyHead {
			body = body[snappyHead:]
			continue
		}
		if len(body) < 4 {
			return errSnappyFrame
		}
		n := int64(binary.BigEndian.Uint32(body))
		if body = body[4:]; n > int64(len(body)) {
			return errSnappyFrame
		}
		if err := d.unsnappyBlock(body[:n]); err != nil {
			return err
		}
		body = body[n:]
	}
	return nil
}

func (d *Decoder) unsnappyBlock(block []byte) error {
	n, err := s2.DecodedLen(block)
	if err != nil {
		return err
	}
	if n > snappyMaxRatio*len(block) {
		return s2.ErrCorrupt
	}
	if n > d.max-len(d.buf) {
		return errTooLarge
	}
	d.reserve(n)
	start := len(d.buf)
	if _, err := s2.Decode(d.buf[start:start+n], block); err != nil {
		return err
	}
	d.buf = d.buf[:start+n]
	return nil
}
