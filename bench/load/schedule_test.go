package load

import (
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
)

// plan makes a schedule over a bank that has no batches worth sending.
func plan(w report.Workload, weights []float64, strewn map[int32][]*template) *schedule {
	b := &bank{shared: []*template{{batch: make([]byte, 100), events: int32(w.BatchEvents), needle: -1}}, weights: weights, strewn: strewn}
	s := newSchedule(Options{Workload: w}, b)
	s.begin(time.Unix(1_000, 0))
	return s
}

// due takes everything that is due at a moment and returns the loads.
func due(s *schedule, after time.Duration) (loads [][]item) {
	for {
		load, pause := s.poll(s.start.Add(after), nil)
		if pause > 0 || len(load) == 0 {
			return loads
		}
		loads = append(loads, load)
		s.last = time.Time{} // no linger
	}
}

func count(loads [][]item) (n int) {
	for _, l := range loads {
		n += len(l)
	}
	return n
}

// What is due depends on the time alone: nobody who is slow slows it down.
func TestOpenLoop(t *testing.T) {
	s := plan(report.Workload{BatchEvents: 100, Rate: 10_000, Partitions: 4}, nil, nil)
	if n := count(due(s, time.Second)); n != 101 {
		t.Errorf("%d batches are due after a second, want 101", n)
	}
	if s.behind > time.Second {
		t.Errorf("behind by %s", s.behind)
	}
	if n := count(due(s, 5*time.Second)); n != 400 {
		t.Errorf("%d batches are due four seconds later, want 400", n)
	}
	if b := s.end(s.start.Add(5 * time.Second)); b < 3_900*time.Millisecond || b > 4*time.Second {
		t.Errorf("behind by %s, want 4 s", b)
	}
	for _, l := range due(s, 6*time.Second) {
		if len(l) > 4 {
			t.Errorf("a load has %d batches of 4 partitions", len(l))
		}
	}
}

func TestStoppedRunIsBehind(t *testing.T) {
	s := plan(report.Workload{BatchEvents: 100, Rate: 10_000, Partitions: 4, Events: 100_000}, nil, nil)
	due(s, time.Second)
	if b := s.end(s.start.Add(9 * time.Second)); b < 7_900*time.Millisecond {
		t.Errorf("behind by %s, want 8 s: nothing was taken any more", b)
	}
}

func TestBacklogEnds(t *testing.T) {
	s := plan(report.Workload{BatchEvents: 100, Partitions: 300, Events: 100_050}, nil, nil)
	loads := due(s, 0)
	if n := count(loads); n != 1_001 {
		t.Errorf("%d batches, want 1001", n)
	}
	for _, l := range loads {
		if seen := map[int32]bool{}; len(l) > maxLoad {
			t.Errorf("a load has %d batches", len(l))
		} else {
			for _, it := range l {
				if seen[it.partition] {
					t.Fatalf("a load has two batches of partition %d", it.partition)
				}
				seen[it.partition] = true
			}
		}
	}
}

func TestWeights(t *testing.T) {
	s := plan(report.Workload{BatchEvents: 1, Partitions: 3, Events: 10_000}, []float64{0.5, 0.3, 0.2}, nil)
	n := make([]int, 3)
	for _, l := range due(s, 0) {
		for _, it := range l {
			n[it.partition]++
		}
	}
	for p, want := range []int{5_000, 3_000, 2_000} {
		if n[p] < want-20 || n[p] > want+20 {
			t.Errorf("partition %d has %d batches, want %d", p, n[p], want)
		}
	}
}

// Needles are spread over the run, and each is sent.
func TestStrewn(t *testing.T) {
	strewn := map[int32][]*template{1: {{needle: 0}, {needle: 1}, {needle: 2}}}
	s := plan(report.Workload{BatchEvents: 1, Partitions: 2, Events: 600}, nil, strewn)
	var at []int
	n := 0
	for _, l := range due(s, 0) {
		for _, it := range l {
			if it.partition != 1 {
				continue
			}
			if it.template.needle >= 0 {
				at = append(at, n)
			}
			n++
		}
	}
	if len(at) != 3 || at[0] != 50 || at[1] != 150 || at[2] != 250 {
		t.Errorf("needles are at %v of %d, want 50, 150, 250", at, n)
	}
}
