package main

import (
	"runtime/debug"
	"testing"
)

// TestMemoryLimitFollowsPartitions: few partitions stay within 512 MiB and ten
// thousand within 1 GiB, with a tenth to spare, for the limit is not a wall.
func TestMemoryLimitFollowsPartitions(t *testing.T) {
	const budget = 256 << 20
	for _, c := range []struct {
		partitions int
		low, high  int64 // MiB
	}{
		{0, 432, 432},
		{64, 432, 460},
		{1000, 432, 500},
		{10_000, 650, 920},
	} {
		if got := memoryLimit(budget, c.partitions) >> 20; got < c.low || got > c.high {
			t.Errorf("%d partitions: %d MiB, want %d to %d", c.partitions, got, c.low, c.high)
		}
	}
}

// TestMemoryLimitIsSet: as partitions come and go, unless the environment has
// said what to use.
func TestMemoryLimitIsSet(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	const budget = 2 << 30
	partitions := (&app{}).limitMemory(budget)
	for _, n := range []int{0, 10_000, 500, 0} {
		partitions(n)
		if got := debug.SetMemoryLimit(-1); got != memoryLimit(budget, n) {
			t.Errorf("%d partitions: the limit is %d", n, got)
		}
	}
	debug.SetMemoryLimit(before)
	(&app{environ: []string{"GOMEMLIMIT=1GiB"}}).limitMemory(budget)(10_000)
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("the limit is %d although the environment has one", got)
	}
}
