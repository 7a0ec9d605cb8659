package recordbatch

import (
	"math"
	"testing"
)

func TestBuilderRefuses(t *testing.T) {
	for name, try := range map[string]func(b *Builder) error{
		"below base":    func(b *Builder) error { return b.Append(Record{Offset: 9}) },
		"too far":       func(b *Builder) error { return b.Append(Record{Offset: 11 + math.MaxInt32}) },
		"same offset":   func(b *Builder) error { _ = b.Append(Record{Offset: 11}); return b.Append(Record{Offset: 11}) },
		"falling":       func(b *Builder) error { _ = b.Append(Record{Offset: 12}); return b.Append(Record{Offset: 11}) },
		"end below":     func(b *Builder) error { b.EndAt(9); return b.Append(Record{Offset: 10}) },
		"nothing":       func(b *Builder) error { return nil },
		"unknown codec": func(b *Builder) error { b.Reset(Options{Codec: 5}); return b.Append(Record{}) },
		"negative base": func(b *Builder) error { b.Reset(Options{BaseOffset: -1}); return b.Append(Record{Offset: -1}) },
	} {
		var b Builder
		b.Reset(Options{BaseOffset: 10})
		err := try(&b)
		if err == nil && name != "nothing" {
			t.Errorf("%s: accepted", name)
		}
		if batch, err := b.Finish(); err == nil || batch != nil {
			t.Errorf("%s: finished with %d bytes", name, len(batch))
		}
	}
}

func TestBuilderIsUsedAgain(t *testing.T) {
	var b Builder
	d := NewDecoder(0)
	for i, codec := range append(allCodecs, allCodecs...) {
		want := renumber(awkwardRecords()[:3+i%5], int64(i))
		b.Reset(Options{BaseOffset: int64(i), Codec: codec})
		for _, r := range want {
			if err := b.Append(r); err != nil {
				t.Fatal(err)
			}
		}
		batch, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(d, batch)
		if err != nil {
			t.Fatal(err)
		}
		compareRecords(t, got, want)
	}
}

func TestBuilderReachesTheLastOffset(t *testing.T) {
	const last = math.MaxInt64 - 1 // its successor is still an offset
	want := []Record{{Offset: last - math.MaxInt32}, {Offset: last}}
	batch := build(t, Options{BaseOffset: last - math.MaxInt32}, want)
	h, _, _, err := Next(batch)
	if err != nil || h.NextOffset() != math.MaxInt64 {
		t.Fatalf("%+v, %v", h, err)
	}
	compareRecords(t, decodeAll(t, batch), want)
}
