package block_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
)

func build(t testing.TB, b *block.FilterBuilder, hashes []uint64) []byte {
	t.Helper()
	out, ok, err := b.Build(nil, hashes)
	if err != nil || !ok {
		t.Fatalf("build: %t, %v", ok, err)
	}
	return out
}

// TestFilterSizes builds filters of many sizes in one builder, most keys twice
// or more: none is missed, and few others are let through.
func TestFilterSizes(t *testing.T) {
	keys := keysOf(t, block.Secret{7}, 0)
	var b block.FilterBuilder
	for _, n := range []int{1, 2, 3, 4, 5, 10, 100, 1000, 30_000, 7} {
		var hashes []uint64
		for i := range 3 * n {
			hashes = append(hashes, keys.Hash(fmt.Appendf(nil, "key-%d", i%n)))
		}
		f, err := keys.ParseFilter(build(t, &b, hashes))
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if !f.Contains(fmt.Appendf(nil, "key-%d", i)) {
				t.Fatalf("%d keys: key-%d is missing", n, i)
			}
		}
		wrong := 0
		for i := range 20_000 {
			if f.Contains(fmt.Appendf(nil, "other-%d", i)) {
				wrong++
			}
		}
		if wrong > 20_000/100 {
			t.Errorf("%d keys: %d of 20,000 others are let through", n, wrong)
		}
	}
}

// TestOneKeyAMillionTimes is a topic of one hot key: the filter's own builder
// would give up.
func TestOneKeyAMillionTimes(t *testing.T) {
	hashes := make([]uint64, 1_000_000) // all 0, the hardest value for a table
	hashes[7] = 1
	if out := build(t, &block.FilterBuilder{}, hashes); len(out) > 100 {
		t.Errorf("filter over two keys has %d bytes", len(out))
	}
}

func TestNilAndEmptyFilter(t *testing.T) {
	keys := keysOf(t, block.Secret{7}, 0)
	var none *block.Filter
	if !none.Contains([]byte("x")) || !none.Contains(nil) {
		t.Error("no filter said no")
	}
	empty, err := keys.ParseFilter(build(t, &block.FilterBuilder{}, nil))
	if err != nil || empty.Contains([]byte("x")) || empty.Contains([]byte{}) {
		t.Errorf("empty filter: %v", err)
	}
}

// TestHostileFilters: sizes that lie are found before a lookup runs past the end.
func TestHostileFilters(t *testing.T) {
	keys := keysOf(t, block.Secret{7}, 0)
	good := build(t, &block.FilterBuilder{}, []uint64{1, 2, 3, 4, 5})
	for name, bad := range map[string][]byte{
		"nothing":           {},
		"a kind alone":      {1},
		"a long empty one":  {0, 0},
		"an unknown kind":   append([]byte{2}, good[1:]...),
		"cut":               good[:len(good)-1],
		"a byte more":       append(bytes.Clone(good), 0),
		"no segment length": put32(good, 9, 0),
		"not a power of 2":  put32(good, 9, 3),
		"long segments":     put32(good, 9, 1<<19),
		"no segments":       put32(good, 13, 0),
		"many segments":     put32(good, 13, 1<<31),
	} {
		if f, err := keys.ParseFilter(bad); f != nil || !errors.Is(err, block.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func put32(b []byte, at int, v uint32) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint32(b[at:], v)
	return b
}

// FuzzFilter: what parses answers without a panic, and what does not is damage.
func FuzzFilter(f *testing.F) {
	keys := keysOf(f, block.Secret{7}, 0)
	f.Add(build(f, &block.FilterBuilder{}, nil), []byte("x"))
	f.Add(build(f, &block.FilterBuilder{}, []uint64{1, 2, 3, 4, 5}), []byte("x"))
	f.Fuzz(func(t *testing.T, b, key []byte) {
		filter, err := keys.ParseFilter(b)
		if err == nil {
			filter.Contains(key)
			return
		}
		if filter != nil || !errors.Is(err, block.ErrDamaged) {
			t.Fatal(err)
		}
	})
}
