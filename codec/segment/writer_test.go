package segment_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

func newWriter(t testing.TB, o segment.Options) *segment.Writer {
	t.Helper()
	w, err := segment.NewWriter(testHeader(), secret, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func put(t testing.TB, w *segment.Writer, o recordbatch.Options, n int) []byte {
	t.Helper()
	b := batchOf(t, o, n)
	if err := w.Append(headerOf(t, b), b); err != nil {
		t.Fatal(err)
	}
	return b
}

func closeAt(t testing.TB, w *segment.Writer, next int64) *segment.Reader {
	t.Helper()
	_, archiver := newTrust(t, archiveID)
	s, err := w.Close(next, names.Digest{7}, archiver)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, s.Data)
}

func TestSegmentWithoutBlocks(t *testing.T) {
	r := closeAt(t, newWriter(t, segment.Options{}), 150)
	if f := r.Footer(); len(f.Blocks) != 0 || f.Next != 150 || f.Prev != (names.Digest{7}) ||
		f.MaxTimestamp() != segment.NoTimestamp || f.MinTimestamp() != segment.NoTimestamp {
		t.Errorf("footer is %+v", f)
	}
	if _, err := r.Block(0, secret, nil); err == nil {
		t.Error("block 0 of none was given")
	}
}

// TestFirstBatchMayBeginBelow: a fetch from mid-batch returns the whole batch
// (fault 84).
func TestFirstBatchMayBeginBelow(t *testing.T) {
	w := newWriter(t, segment.Options{})
	want := put(t, w, recordbatch.Options{BaseOffset: 95}, 10)
	if w.Next() != 105 {
		t.Errorf("next is %d", w.Next())
	}
	r := closeAt(t, w, 105)
	if e := r.Footer().Blocks[0]; e.Base != 100 || e.Next != 105 {
		t.Errorf("block covers [%d, %d)", e.Base, e.Next)
	}
	if !bytes.Equal(bodies(t, r), want) {
		t.Error("the batch did not come back")
	}
}

// TestGapsBelongToABlock leaves offsets out before, between and after full blocks.
func TestGapsBelongToABlock(t *testing.T) {
	w := newWriter(t, segment.Options{BlockSize: 1})
	w.Advance(110)
	put(t, w, recordbatch.Options{BaseOffset: 120}, 5)
	w.Advance(130)
	w.Advance(90) // below what is covered: nothing
	put(t, w, recordbatch.Options{BaseOffset: 140}, 5)
	r := closeAt(t, w, 200)
	var got []int64
	for _, e := range r.Footer().Blocks {
		got = append(got, e.Base, e.Next)
	}
	if want := []int64{100, 130, 130, 200}; !equal(got, want) {
		t.Errorf("blocks cover %v, want %v", got, want)
	}
	bodies(t, r)
}

func equal(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestWriterRefuses(t *testing.T) {
	w := newWriter(t, segment.Options{})
	put(t, w, recordbatch.Options{BaseOffset: 100}, 10)
	late := batchOf(t, recordbatch.Options{BaseOffset: 105}, 10)
	for name, want := range map[string]string{"again": "it ends at offset 110", "overlap": "it begins below offset 110", "length": "its header says"} {
		b, h := late, headerOf(t, late)
		switch name {
		case "again":
			b = batchOf(t, recordbatch.Options{BaseOffset: 100}, 10)
			h = headerOf(t, b)
		case "length":
			b = b[1:]
		}
		if err := w.Append(h, b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	before := batchOf(t, recordbatch.Options{BaseOffset: 95}, 5)
	if err := newWriter(t, segment.Options{}).Append(headerOf(t, before), before); err == nil {
		t.Error("a first batch that ends where the segment begins")
	}
	_, archiver := newTrust(t, archiveID)
	if _, err := w.Close(109, names.Digest{}, archiver); err == nil {
		t.Error("closed below what is in it")
	}
	if err := w.Append(headerOf(t, late), late); err == nil {
		t.Error("appended after Close")
	}
	if _, err := w.Close(110, names.Digest{}, archiver); err == nil {
		t.Error("closed twice")
	}
	if _, err := newWriter(t, segment.Options{}).Close(100, names.Digest{}, archiver); err == nil {
		t.Error("closed without an offset")
	}
}

// TestUnreadableKeys: a batch whose records cannot be read is refused when a
// filter needs them, and the segment goes on, with its last block reaching to
// the end.
func TestUnreadableKeys(t *testing.T) {
	w := newWriter(t, segment.Options{BlockSize: 1, Filter: true})
	want := put(t, w, recordbatch.Options{BaseOffset: 100}, 5)
	bad := batchOf(t, recordbatch.Options{BaseOffset: 105, Codec: recordbatch.CodecGzip}, 5)
	bad[len(bad)-6] ^= 0xff
	if err := w.Append(headerOf(t, bad), bad); !errors.Is(err, recordbatch.ErrCorrupt) {
		t.Fatalf("append: %v", err)
	}
	r := closeAt(t, w, 110)
	if got := bodies(t, r); !bytes.Equal(got, want) || len(r.Footer().Blocks) != 1 {
		t.Errorf("%d bytes in %d blocks", len(got), len(r.Footer().Blocks))
	}
	checkFilters(t, r)
}

// TestKeysOfARefusedBatch: the keys that came before the damage are not in the
// filter.
func TestKeysOfARefusedBatch(t *testing.T) {
	w := newWriter(t, segment.Options{Filter: true})
	put(t, w, recordbatch.Options{BaseOffset: 100}, 5)
	bad := batchOf(t, recordbatch.Options{BaseOffset: 120}, 5)
	bad[60] = 3 // records, of the 5 that are there
	if err := w.Append(headerOf(t, bad), bad); !errors.Is(err, recordbatch.ErrCorrupt) {
		t.Fatalf("append: %v", err)
	}
	f, err := closeAt(t, w, 125).Filter(0, secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"order-20", "order-21", "order-22"} {
		if !f.Contains([]byte(key)) {
			return // one in 256 says maybe by chance, three do not
		}
	}
	t.Error("keys of the refused batch are in the filter")
}

func TestTimestampsAndFlags(t *testing.T) {
	w := newWriter(t, segment.Options{BlockSize: 1})
	put(t, w, recordbatch.Options{BaseOffset: 100}, 5)
	put(t, w, recordbatch.Options{BaseOffset: 105}, 1)
	put(t, w, recordbatch.Options{BaseOffset: 106, LogAppendTime: true, Transactional: true, Producer: &recordbatch.Producer{ID: 4}}, 3)
	r := closeAt(t, w, 109)
	const at = 1_790_000_000_000
	for i, want := range []segment.BlockInfo{
		{MaxTimestamp: at + 104, MinTimestamp: segment.NoTimestamp},
		{MaxTimestamp: at + 105, MinTimestamp: at + 105},
		{MaxTimestamp: at + 108, MinTimestamp: at + 108, Transactional: true},
	} {
		e := r.Footer().Blocks[i]
		if e.MaxTimestamp != want.MaxTimestamp || e.MinTimestamp != want.MinTimestamp || e.Transactional != want.Transactional || e.Control {
			t.Errorf("block %d: %+v", i, e)
		}
	}
	if f := r.Footer(); f.MaxTimestamp() != at+108 || f.MinTimestamp() != segment.NoTimestamp {
		t.Errorf("segment: [%d, %d]", f.MinTimestamp(), f.MaxTimestamp())
	}
}

// TestCompressedOnce: what the producer compressed is left alone, what it did
// not is compressed.
func TestCompressedOnce(t *testing.T) {
	for codec, want := range map[recordbatch.Codec]block.Compression{recordbatch.CodecGzip: block.None, recordbatch.CodecNone: block.Zstd} {
		s := write(t, testHeader(), segment.Options{Compression: block.Zstd}, row(t, codec, 3, 100)...)
		if got := s.Footer.Blocks[0].Compression; got != want {
			t.Errorf("from %v: %v, want %v", codec, got, want)
		}
	}
}

func TestFilters(t *testing.T) {
	batch := batchOf(t, recordbatch.Options{BaseOffset: 100}, 9)
	without := open(t, write(t, testHeader(), segment.Options{}, batch).Data)
	if f, err := without.Filter(0, secret); f != nil || err != nil || !f.Contains([]byte("anything")) {
		t.Errorf("no filter: %v, %v", f, err)
	}
	nulls := batchOf(t, recordbatch.Options{BaseOffset: 109}, 1)
	empty, err := open(t, write(t, testHeader(), segment.Options{Filter: true}, nulls).Data).Filter(0, secret)
	if err != nil || empty == nil || empty.Contains([]byte("anything")) || !empty.Contains(nil) {
		t.Errorf("filter over null keys: %v, %v", empty, err)
	}
}

// TestOpenTail goes from too short a tail to one that is enough.
func TestOpenTail(t *testing.T) {
	data := write(t, testHeader(), segment.Options{BlockSize: 1, Filter: true}, row(t, recordbatch.CodecNone, 9, 3)...).Data
	trust, _ := newTrust(t, archiveID)
	whole := open(t, data)
	var need *segment.NeedError
	n := 0
	for range 2 {
		if _, err := segment.OpenTail(data[len(data)-n:], int64(len(data)), trust); !errors.As(err, &need) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		n = int(need.Bytes)
	}
	r, err := segment.OpenTail(data[len(data)-n:], int64(len(data)), trust)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name() != whole.Name() || r.CRC32C() != whole.CRC32C() || r.Header() != whole.Header() {
		t.Error("the tail tells another story than the whole")
	}
	if _, err := r.Block(0, secret, nil); err == nil {
		t.Error("a block out of a tail")
	}
}

// TestOpenEnd opens a segment from its end, which begins behind the bodies, and
// reads the rest from elsewhere. A body from elsewhere that is not the signed
// one does not open.
func TestOpenEnd(t *testing.T) {
	data := write(t, testHeader(), segment.Options{BlockSize: 1, Filter: true}, row(t, recordbatch.CodecNone, 9, 3)...).Data
	trust, _ := newTrust(t, archiveID)
	at := open(t, data).Footer().EndAt()
	if first := open(t, data).Footer().Blocks[0].Filter.Position; at != int64(first) {
		t.Errorf("the end is at %d, the first filter at %d", at, first)
	}
	src := bytes.Clone(data)
	r, err := segment.OpenEnd(data[at:], bytes.NewReader(src), int64(len(data)), trust)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bodies(t, r), bodies(t, open(t, data))) {
		t.Error("other bodies than the whole segment")
	}
	if f, err := r.Filter(0, secret); err != nil || f == nil {
		t.Errorf("filter: %v, %v", f, err)
	}
	src[at-1] ^= 1
	last := len(r.Footer().Blocks) - 1
	if _, err := r.Block(last, secret, nil); !errors.Is(err, segment.ErrDamaged) {
		t.Errorf("a damaged body opened: %v", err)
	}
	if at := (segment.Footer{}).EndAt(); at != 0 {
		t.Errorf("without blocks the end is at %d", at)
	}
}

// TestBufferAndPoolAreReused writes segment after segment into the same memory.
func TestBufferAndPoolAreReused(t *testing.T) {
	o := segment.Options{Pool: segment.NewPool(), Filter: true, Compression: block.S2, BlockSize: 3000}
	for codec := range recordbatch.Codec(5) {
		batches := row(t, codec, 7, 30)
		s := write(t, testHeader(), o, batches...)
		if !bytes.Equal(bodies(t, open(t, s.Data)), bytes.Join(batches, nil)) {
			t.Fatalf("%v: other bytes", codec)
		}
		o.Buffer = s.Data
	}
}

func TestSizeAndMemory(t *testing.T) {
	w := newWriter(t, segment.Options{BlockSize: 2000})
	for i := range 20 {
		before := w.Size()
		b := put(t, w, recordbatch.Options{BaseOffset: int64(100 + i)}, 1)
		if w.Size() < before+len(b) || w.Memory() < w.Size() {
			t.Fatalf("size went from %d to %d, memory %d", before, w.Size(), w.Memory())
		}
	}
	w.Discard()
	if w.Memory() != 0 || w.Size() != 0 {
		t.Errorf("discarded: size %d, memory %d", w.Size(), w.Memory())
	}
}

// TestAppendAllocatesNothing holds for batches after the first of a block.
func TestAppendAllocatesNothing(t *testing.T) {
	w := newWriter(t, segment.Options{BlockSize: 1 << 30, Filter: true})
	b := batchOf(t, recordbatch.Options{BaseOffset: 100, Codec: recordbatch.CodecLZ4}, 100)
	h := headerOf(t, b)
	step := func() {
		h.BaseOffset += 100
		if err := w.Append(h, b); err != nil {
			t.Fatal(err)
		}
	}
	for range 2000 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n > 0.5 {
		t.Errorf("%.2f allocations a batch", n)
	}
}

// TestFIPS runs the round trip where only approved cryptography is allowed.
func TestFIPS(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^(TestRoundTrip|TestWrongSecret|TestFilters)$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestRoundTrip")) {
		t.Fatalf("%v\n%s", err, out)
	}
}
