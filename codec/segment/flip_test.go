package segment_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// small is a segment of two blocks with filters, one compressed by tidemark and
// one by the producer.
func small(t testing.TB) ([]byte, [][]byte) {
	t.Helper()
	batches := [][]byte{
		batchOf(t, recordbatch.Options{BaseOffset: 100}, 4),
		batchOf(t, recordbatch.Options{BaseOffset: 104, Codec: recordbatch.CodecLZ4}, 2),
	}
	return write(t, testHeader(), segment.Options{BlockSize: 1, Compression: block.Zstd, Filter: true}, batches...).Data, batches
}

// TestEveryBitFlipIsNoticed changes each bit of a segment in turn (fault 50):
// whatever is opened afterwards is what was sealed, and something does not
// open.
func TestEveryBitFlipIsNoticed(t *testing.T) {
	data, batches := small(t)
	trust, _ := newTrust(t, archiveID)
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if err := readAll(data, trust, batches); err == nil {
				t.Fatalf("bit %d of byte %d of %d flipped: not noticed", bit, i, len(data))
			} else if !known(err) {
				t.Fatalf("bit %d of byte %d flipped: %v is of no known class", bit, i, err)
			}
			data[i] ^= 1 << bit
		}
	}
	if err := readAll(data, trust, batches); err != nil {
		t.Fatal(err)
	}
}

func known(err error) bool {
	return errors.Is(err, segment.ErrDamaged) || errors.Is(err, segment.ErrVersion) || errors.Is(err, signed.ErrSignature)
}

// errLeak means that a reader gave bytes that were never sealed.
var errLeak = errors.New("plaintext of a changed block")

// readAll opens everything and returns the first error.
func readAll(data []byte, trust *signed.Trust, batches [][]byte) error {
	r, err := segment.Open(bytes.NewReader(data), int64(len(data)), trust)
	if err != nil {
		return err
	}
	for i := range r.Footer().Blocks {
		body, e := r.Block(i, secret, nil)
		if e == nil && !bytes.Equal(body, batches[i]) {
			return errLeak
		}
		_, f := r.Filter(i, secret)
		if c := r.Check(i); c != nil && e == nil && f == nil {
			return errLeak
		}
		err = errors.Join(err, e, f)
	}
	return err
}

// TestTornAndLengthened cuts a segment at every length, and adds to it (fault 51).
func TestTornAndLengthened(t *testing.T) {
	data, batches := small(t)
	trust, _ := newTrust(t, archiveID)
	for n := range data {
		if err := readAll(data[:n], trust, batches); !errors.Is(err, segment.ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
		if err := readAll(data[n+1:], trust, batches); !errors.Is(err, segment.ErrDamaged) && !known(err) {
			t.Fatalf("without its first %d bytes: %v", n+1, err)
		}
	}
	for _, longer := range [][]byte{append(bytes.Clone(data), 0), append([]byte{0}, data...), append(bytes.Clone(data), data...)} {
		if err := readAll(longer, trust, batches); !errors.Is(err, segment.ErrDamaged) {
			t.Fatalf("%d bytes instead of %d: %v", len(longer), len(data), err)
		}
	}
}

// TestSizeThatLies opens a sound object as if it were shorter or longer.
func TestSizeThatLies(t *testing.T) {
	data, _ := small(t)
	trust, _ := newTrust(t, archiveID)
	for _, size := range []int64{-1, 0, 1, 83, 84, int64(len(data)) - 1, int64(len(data)) + 1, 1 << 62} {
		if _, err := segment.Open(bytes.NewReader(data), size, trust); !errors.Is(err, segment.ErrDamaged) {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

// lateFlip gives sound bytes until armed, then flips one bit of every read.
type lateFlip struct {
	io.ReaderAt
	armed bool
}

func (l *lateFlip) ReadAt(b []byte, at int64) (int, error) {
	n, err := l.ReaderAt.ReadAt(b, at)
	if l.armed && n > 0 {
		b[n/2] ^= 4
	}
	return n, err
}

// TestBytesThatChangeAfterOpen covers a store that serves other bytes later on.
func TestBytesThatChangeAfterOpen(t *testing.T) {
	data, _ := small(t)
	trust, _ := newTrust(t, archiveID)
	src := &lateFlip{ReaderAt: bytes.NewReader(data)}
	r, err := segment.Open(src, int64(len(data)), trust)
	if err != nil {
		t.Fatal(err)
	}
	src.armed = true
	body, err := r.Block(0, secret, nil)
	var where *segment.BlockError
	if body != nil || !errors.Is(err, segment.ErrDamaged) || !errors.As(err, &where) || where.Base != 100 || where.Next != 104 {
		t.Errorf("block: %d bytes, %v", len(body), err)
	}
	if f, err := r.Filter(0, secret); f != nil || !errors.Is(err, segment.ErrDamaged) {
		t.Errorf("filter: %v", err)
	}
	if err := r.Check(0); !errors.Is(err, segment.ErrDamaged) {
		t.Errorf("check: %v", err)
	}
}
