package segment_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// firstByte is a field: the first byte of a value. Those that begin with ? cannot
// be read.
type firstByte struct{ ids []block.FieldID }

func (f firstByte) IDs() []block.FieldID { return f.ids }

func (f firstByte) Read(value []byte, found func(int, []byte)) bool {
	if len(value) > 0 {
		found(0, value[:1])
	}
	return len(value) == 0 || value[0] != '?'
}

// valuesBatch has a record for each value.
func valuesBatch(t testing.TB, base int64, codec recordbatch.Codec, values ...string) []byte {
	t.Helper()
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{BaseOffset: base, Codec: codec})
	for i, v := range values {
		rec := recordbatch.Record{Offset: base + int64(i), Timestamp: 1_790_000_000_000, Key: fmt.Appendf(nil, "k%d", base+int64(i)), Value: []byte(v)}
		if v == "null" {
			rec.Value = nil
		}
		if err := b.Append(rec); err != nil {
			t.Fatal(err)
		}
	}
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(out)
}

// TestFieldsInFilters: each block's filter covers the field, unless one value in
// that block could not be read; then it covers the keys alone.
func TestFieldsInFilters(t *testing.T) {
	id := block.FieldID{5}
	fields := firstByte{[]block.FieldID{id}}
	options := segment.Options{BlockSize: 1, Filter: true, Fields: fields}
	s := write(t, testHeader(), options,
		valuesBatch(t, 100, recordbatch.CodecNone, "apple", "bread", "null"),
		valuesBatch(t, 103, recordbatch.CodecZstd, "?", "bread"),
		valuesBatch(t, 105, recordbatch.CodecNone, "cake"))
	if s.Unread != 1 {
		t.Errorf("%d values unread", s.Unread)
	}
	trust, _ := newTrust(t, archiveID)
	r, err := segment.Open(bytes.NewReader(s.Data), int64(len(s.Data)), trust)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []struct {
		covered bool
		has     string
	}{{true, "ab"}, {false, "abcdefxyz?"}, {true, "c"}} {
		f, err := r.Filter(n, secret)
		if err != nil {
			t.Fatal(err)
		}
		if covered := len(f.Fields()) == 1; covered != want.covered {
			t.Errorf("block %d: covered %t", n, covered)
		}
		for _, c := range []byte("abc") {
			if got := f.Field(id).Contains([]byte{c}); got != bytes.ContainsRune([]byte(want.has), rune(c)) {
				t.Errorf("block %d: %c %t", n, c, got)
			}
		}
	}
	if f, _ := r.Filter(1, secret); !f.Contains([]byte("k104")) || f.Contains([]byte("k105")) {
		t.Error("the keys of a block with an unreadable value are not filtered")
	}
}

// TestFieldsNeedFilters: without filters no field is read.
func TestFieldsNeedFilters(t *testing.T) {
	o := segment.Options{Fields: firstByte{[]block.FieldID{{5}}}}
	s := write(t, testHeader(), o, valuesBatch(t, 100, recordbatch.CodecNone, "?"))
	if s.Unread != 0 || s.Footer.Blocks[0].Filter.Length != 0 {
		t.Errorf("%+v", s.Footer.Blocks[0].Filter)
	}
	o = segment.Options{Filter: true, Fields: firstByte{[]block.FieldID{{5}, {4}}}}
	if _, err := segment.NewWriter(testHeader(), secret, o); err == nil {
		t.Error("fields out of order were accepted")
	}
}

// TestStreamCoversFields: what rolls up makes the same filters.
func TestStreamCoversFields(t *testing.T) {
	id := block.FieldID{5}
	var out bytes.Buffer
	w, err := segment.NewStream(&out, testHeader(), secret, segment.Options{Filter: true, Fields: firstByte{[]block.FieldID{id}}})
	if err != nil {
		t.Fatal(err)
	}
	batch := valuesBatch(t, 100, recordbatch.CodecNone, "apple", "?")
	if err := w.Append(headerOf(t, batch), batch); err != nil {
		t.Fatal(err)
	}
	trust, archiver := newTrust(t, archiveID)
	s, err := w.Close(w.Next(), names.Digest{}, archiver)
	if err != nil || s.Unread != 1 {
		t.Fatalf("%v, %d unread", err, s.Unread)
	}
	r, err := segment.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), trust)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := r.Filter(0, secret); err != nil || len(f.Fields()) != 0 || !f.Contains([]byte("k100")) {
		t.Errorf("%v", err)
	}
}

// TestFieldsAllocateNothing for each record: values are hashed where they lie.
func TestFieldsAllocateNothing(t *testing.T) {
	var few, many []string
	for i := range 200 {
		few, many = append(few[:0], "a"), append(many, string(rune('a'+i%20)))
	}
	allocations := func(values []string) float64 {
		batch := valuesBatch(t, 100, recordbatch.CodecNone, values...)
		h, o := headerOf(t, batch), segment.Options{Filter: true, Fields: firstByte{[]block.FieldID{{5}}}, Pool: segment.NewPool()}
		return testing.AllocsPerRun(50, func() {
			w, err := segment.NewWriter(testHeader(), secret, o)
			if err == nil {
				err = w.Append(h, batch)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.Discard()
		})
	}
	if one, all := allocations(few), allocations(many); all > one+20 {
		t.Errorf("%v allocations for one record, %v for 200", one, all)
	}
}
