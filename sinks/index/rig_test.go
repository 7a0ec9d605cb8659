package index

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
)

var testArchive = names.ArchiveID{1, 2, 3}

var orders = names.Partition{Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{7}, Branch: names.RootBranch}}

// entry returns the entry of the n-th segment of a partition, of ten offsets,
// in region a.
func entry(p names.Partition, n int) Entry {
	digest := names.Digest(sha256.Sum256(fmt.Append(nil, p, n)))
	return Entry{
		Range:  names.Range{Partition: p, Base: int64(n) * 10, Next: int64(n)*10 + 10, Digest: digest.Short(), Kind: names.KindSegment},
		Copies: []Copy{{Region: "a", Size: int64(1000 + n), CRC32C: uint32(n), HasPage: true}},
		Digest: digest, Records: 10, MinTimestamp: int64(n), MaxTimestamp: int64(n) + 5,
		Blocks: fmt.Appendf(nil, "blocks of %d", n),
	}
}

func entries(p names.Partition, from, to int) []Entry {
	var all []Entry
	for n := from; n < to; n++ {
		all = append(all, entry(p, n))
	}
	return all
}

// damage is what Open reported.
type damage struct {
	folder string
	reason error
}

// opts reports damage to d, which may be nil, and logs into the test.
func opts(t *testing.T, d *damage) Options {
	return Options{
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Damaged: func(folder string, reason error) {
			if d != nil {
				*d = damage{folder, reason}
			}
		},
	}
}

func open(t *testing.T, dir string, o Options) *Index {
	t.Helper()
	x, err := Open(dir, testArchive, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func put(t *testing.T, x *Index, all ...Entry) {
	t.Helper()
	if err := x.Put(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
}

// bases returns the base offsets that Range yields.
func bases(t *testing.T, x *Index, p names.Partition, from int64) []int64 {
	t.Helper()
	var all []int64
	for e, err := range x.Range(t.Context(), p, from) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Range.Base)
	}
	return all
}
