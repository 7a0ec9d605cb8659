package wire

import (
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/pipeline/archive"
)

func TestPartitionsAreCounted(t *testing.T) {
	var told []int
	passed := 0
	a := &Archiver{Partitions: func(n int) { told = append(told, n) }}
	h := a.counted(archive.Hooks{Owned: func(archive.Key, bool) { passed++ }})
	for i, owned := range []bool{true, true, false, true, false, false} {
		h.Owned(archive.Key{Topic: "orders", Partition: int32(i)}, owned)
	}
	if !slices.Equal(told, []int{1, 2, 1, 2, 1, 0}) || passed != 6 {
		t.Errorf("told %v, passed on %d of 6", told, passed)
	}
}
