package block_test

import (
	"math/rand/v2"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
)

// A block may cost a few allocations, its record keys none: a million events a
// second would otherwise be a million for the collector.
func TestKeysAndFiltersDoNotAllocatePerRecord(t *testing.T) {
	keys, key := keysOf(t, block.Secret{7}, 0), []byte("order-00007919")
	if n := testing.AllocsPerRun(100, func() { keys.Hash(key) }); n != 0 {
		t.Errorf("%v allocations to hash a key", n)
	}
	const perBlock = 20 // more than it takes: the race detector allocates, too
	var builder block.FilterBuilder
	var out []byte
	r, hashes := rand.New(rand.NewPCG(1, 2)), make([]uint64, 5000)
	n := testing.AllocsPerRun(20, func() {
		for i := range hashes {
			hashes[i] = r.Uint64()
		}
		out, _, _ = builder.Build(out[:0], hashes)
	})
	if n > perBlock {
		t.Errorf("%v allocations for a filter over %d keys", n, len(hashes))
	}
}

func TestCompressionDoesNotAllocatePerBlock(t *testing.T) {
	const perBlock = 8
	body, _ := events()
	var d block.Decompressor
	into := make([]byte, len(body))
	for _, kind := range []block.Compression{block.S2, block.Zstd} {
		var c block.Compressor
		var packed []byte
		if n := testing.AllocsPerRun(5, func() { packed, _, _ = c.Compress(kind, body) }); n > perBlock {
			t.Errorf("%v: %v allocations to compress a block", kind, n)
		}
		if n := testing.AllocsPerRun(5, func() { _ = d.Decompress(kind, into, packed) }); n > perBlock {
			t.Errorf("%v: %v allocations to open a block", kind, n)
		}
	}
}
