package segment

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

func soundHeader() Header {
	return Header{
		Topic: "orders", Lineage: names.Lineage{Branch: names.RootBranch}, Parent: names.RootBranch,
		Base: 10, Created: time.UnixMilli(5).UTC(),
	}
}

// soundFooter is of a segment with a header of 200 bytes: two blocks of 100
// bytes, a filter of 50 for the second.
func soundFooter() *Footer {
	entry := BlockInfo{Position: 200, Stored: 100, Plain: 72, Base: 10, Next: 20, Batches: 1, Records: 3, MaxTimestamp: 9, MinTimestamp: NoTimestamp}
	second := entry
	second.Position, second.Base, second.Next, second.Compression, second.Plain = 300, 20, 30, block.Zstd, 90
	second.Filter = FilterInfo{Position: 400, Length: 50}
	return &Footer{Next: 30, Batches: 2, Records: 6, Plain: 162, Blocks: []BlockInfo{entry, second}}
}

func TestHeaderRules(t *testing.T) {
	for want, change := range map[string]func(*Header){
		"topic name":              func(h *Header) { h.Topic = "../x" },
		"branch -2":               func(h *Header) { h.Lineage.Branch = -2 },
		"parent branch -2":        func(h *Header) { h.Parent = -2 },
		"the root has none":       func(h *Header) { h.Parent = 3 },
		"is the branch itself":    func(h *Header) { h.Lineage.Branch, h.Parent = 3, 3 },
		"partition -1":            func(h *Header) { h.Partition = -1 },
		"base offset -1":          func(h *Header) { h.Base = -1 },
		"creation time":           func(h *Header) { h.Created = time.Time{} },
		"retention date 1969-12-": func(h *Header) { h.RetainUntil = time.UnixMilli(-1) },
	} {
		h := soundHeader()
		if err := h.validate(); err != nil {
			t.Fatal(err)
		}
		change(&h)
		if err := h.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if _, err := NewWriter(h, block.Secret{}, Options{}); err == nil {
			t.Errorf("%s: the writer began", want)
		}
		if _, _, err := decodeHeader(h.appendTo(nil)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: the reader said %v", want, err)
		}
	}
}

func TestFooterRules(t *testing.T) {
	for want, change := range map[string]func(*Footer){
		"want base < next":                      func(f *Footer) { f.Next = 10; f.Blocks = nil },
		"blocks: want at most":                  func(f *Footer) { f.Blocks = make([]BlockInfo, maxBlocks+1) },
		"it begins at byte 450":                 func(f *Footer) { f.Blocks[1].Filter.Length++ },
		"block 1: begins at byte 301":           func(f *Footer) { f.Blocks[1].Position++ },
		"block 0: base offset 11":               func(f *Footer) { f.Blocks[0].Base++ },
		"block 1: base offset 19":               func(f *Footer) { f.Blocks[1].Base-- },
		"the last block ends at 29":             func(f *Footer) { f.Blocks[1].Next-- },
		"block 1: offsets [20, 20)":             func(f *Footer) { f.Blocks[1].Next = 20 },
		"no batches":                            func(f *Footer) { f.Blocks[0].Batches = 0 },
		"body of 0 bytes":                       func(f *Footer) { f.Blocks[0].Plain = 0 },
		"body of 1073741825":                    func(f *Footer) { f.Blocks[0].Plain = block.MaxBody + 1 },
		"compression 3 is unknown":              func(f *Footer) { f.Blocks[0].Compression = 3 },
		"without compression: want 99":          func(f *Footer) { f.Blocks[0].Plain-- },
		"with zstd: want fewer than 100":        func(f *Footer) { f.Blocks[1].Plain = 72 },
		"timestamps without records":            func(f *Footer) { f.Blocks[0].Records = 0 },
		"lowest timestamp 10":                   func(f *Footer) { f.Blocks[0].MinTimestamp = 10 },
		"a filter without length":               func(f *Footer) { f.Blocks[0].Filter.Position = 1 },
		"filter begins at byte 399":             func(f *Footer) { f.Blocks[1].Filter.Position-- },
		"filter of 28 bytes":                    func(f *Footer) { f.Blocks[1].Filter.Length = 28 },
		"footer: 3 batches, the blocks have 2":  func(f *Footer) { f.Batches++ },
		"footer: 7 records, the blocks have 6":  func(f *Footer) { f.Records++ },
		"footer: 163 plain bytes, the blocks h": func(f *Footer) { f.Plain++ },
	} {
		f := soundFooter()
		if err := f.validate(soundHeader(), 200, 450); err != nil {
			t.Fatal(err)
		}
		change(f)
		if err := f.validate(soundHeader(), 200, 450); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestBodyRules gives checkBody bodies that GCM would never let through: the
// writer's own mistakes.
func TestBodyRules(t *testing.T) {
	var b recordbatch.Builder
	batch := func(base int64) []byte {
		b.Reset(recordbatch.Options{BaseOffset: base})
		if err := b.Append(recordbatch.Record{Offset: base + 1}); err != nil {
			t.Fatal(err)
		}
		out, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return append([]byte(nil), out...)
	}
	entry := BlockInfo{Base: 10, Next: 14, Batches: 2, Records: 2}
	for want, body := range map[string][]byte{
		"batch 0: batch cut short":           batch(10)[:50],
		"batch 0: cut short":                 batch(10)[:65],
		"begins at offset 11, below 12":      append(batch(10), batch(11)...),
		"ends at offset 15, outside":         append(batch(10), batch(13)...),
		"1 batches with 1 records":           batch(10),
		"batch 0: begins at offset 9, below": append(batch(9), batch(11)...),
	} {
		if err := checkBody(&entry, body, false); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := checkBody(&entry, append(batch(9), batch(11)...), true); err != nil {
		t.Error(err)
	}
	if err := checkBody(&entry, append(batch(8), batch(11)...), true); err == nil {
		t.Error("a first batch that ends where the segment begins")
	}
}

// TestTooLargeForKeys: a batch that the decoder may not look into is no error,
// and costs its block the filter.
func TestTooLargeForKeys(t *testing.T) {
	w, err := NewWriter(soundHeader(), block.Secret{}, Options{Filter: true})
	if err != nil {
		t.Fatal(err)
	}
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{BaseOffset: 10, Codec: recordbatch.CodecZstd})
	if err := b.Append(recordbatch.Record{Offset: 10, Key: []byte("k"), Value: make([]byte, 1000)}); err != nil {
		t.Fatal(err)
	}
	batch, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	h, err := recordbatch.ParseHeader(batch)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(h, batch); err != nil {
		t.Fatal(err)
	}
	seen, err := w.lookWith(recordbatch.NewDecoder(100), w.keys, batch)
	if !seen.tooLarge || err != nil {
		t.Fatalf("%+v, %v", seen, err)
	}
	w.maybe = true
	if err := w.seal(len(w.scratch.hashes)); err != nil {
		t.Fatal(err)
	}
	if f := w.footer.Blocks[0].Filter; f != (FilterInfo{}) {
		t.Errorf("filter is %+v", f)
	}
}

// TestHostileLengths: lengths of a tail that nobody signed are bounded before
// anything is read or made.
func TestHostileLengths(t *testing.T) {
	for _, n := range []uint32{0, headerFixed, maxFooter + 1, math.MaxUint32} {
		tail := trailer{footer: n}.appendTo(nil)
		if _, err := OpenTail(tail, 1<<40, nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("footer of %d bytes: %v", n, err)
		}
	}
}
