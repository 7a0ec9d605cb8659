package restore

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// sold is data of a transaction, paid its marker; both at one offset.
func sold(t *testing.T, offset, producer int64, epoch int16, time int64) []byte {
	return batch(t, recordbatch.Options{Transactional: true, Producer: &recordbatch.Producer{ID: producer, Epoch: epoch}}, rec(offset, time))
}

func paid(t *testing.T, offset, producer int64, epoch int16, time int64) []byte {
	opts := recordbatch.Options{Transactional: true, Control: true, Producer: &recordbatch.Producer{ID: producer, Epoch: epoch, Sequence: -1}}
	return batch(t, opts, recordbatch.Record{Offset: offset, Timestamp: time, Key: []byte{0, 0, 0, 1}, Value: make([]byte, 6)})
}

// emptied is a marker whose record the log cleaner took away.
func emptied(t *testing.T, offset, producer int64, epoch int16) []byte {
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{
		BaseOffset: offset, Transactional: true, Control: true, Producer: &recordbatch.Producer{ID: producer, Epoch: epoch, Sequence: -1},
	})
	b.EndAt(offset)
	built, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(built)
}

func whole(to int64) Request {
	r := request(to)
	r.Cut, r.Window = CutTransactions, 10*time.Second
	return r
}

// cameBack are the archived offsets of a partition.
func cameBack(t *testing.T, p *Plan, s Source, partition int32) []int64 {
	var got []int64
	for _, r := range records(t, p, s, "orders", partition) {
		got = append(got, r.Offset)
	}
	return got
}

// A transfer from one topic to another counts as a whole, although only one of
// the topics is restored.
func TestTransactionsOfTopicsThatAreNotRestored(t *testing.T) {
	payments := names.Partition{Topic: "payments", Lineage: firstLife}
	archive := shelves{
		orders(0): {batches: [][]byte{sold(t, 0, 7, 0, 1), paid(t, 1, 7, 1, 1000), sold(t, 2, 7, 1, 1), paid(t, 3, 7, 2, 2000)}},
		payments:  {batches: [][]byte{sold(t, 0, 7, 1, 1), paid(t, 1, 7, 2, 2500)}},
	}
	for to, want := range map[int64][]int64{1000: {0}, 2000: {0}, 2499: {0}, 2500: {0, 2}} {
		if got := cameBack(t, plan(t, archive, nil, whole(to)), archive, 0); !slices.Equal(got, want) {
			t.Errorf("at %d: offsets %v, want %v", to, got, want)
		}
	}
}

// The log cleaner takes the markers of transactions whose data is gone from the
// log; an earlier fetch may have kept the data.
func TestMarkersThatWereCompactedAway(t *testing.T) {
	archive := shelves{orders(0): {batches: [][]byte{
		sold(t, 0, 5, 0, 1), paid(t, 1, 5, 1, 1000), // a neighbour
		sold(t, 2, 7, 3, 1), emptied(t, 3, 7, 4),
		sold(t, 4, 5, 1, 1), paid(t, 5, 5, 2, 2000), // another
		sold(t, 6, 7, 4, 1), paid(t, 7, 7, 5, 3000),
	}}}
	for to, want := range map[int64][]int64{999: nil, 2000: {0, 2, 4}, 3000: {0, 2, 4, 6}} {
		p := plan(t, archive, nil, whole(to))
		if got := cameBack(t, p, archive, 0); !slices.Equal(got, want) || to > 999 && p.Refused() != nil {
			t.Errorf("at %d: offsets %v, want %v; %v", to, got, want, p.Refused())
		}
	}
	r := whole(1500)
	if got := causes(plan(t, archive, nil, r)); !slices.Equal(got, []Cause{CauseAmbiguous}) {
		t.Errorf("between the neighbours of a missing marker: refused for %v", got)
	}
	r.Force = true
	p := plan(t, archive, nil, r)
	if got := cameBack(t, p, archive, 0); p.Refused() != nil || !slices.Equal(got, []int64{0, 2}) || len(p.Doubts) != 1 || !p.Doubts[0].In {
		t.Errorf("forced: offsets %v, doubts %+v", got, p.Doubts)
	}
}

// An older producer: what lies between its markers in two partitions may be one
// transaction or two.
func TestOlderProducers(t *testing.T) {
	archive := shelves{
		orders(0): {batches: [][]byte{sold(t, 0, 7, 0, 900), paid(t, 1, 7, 0, 1000), sold(t, 2, 7, 0, 60_000), paid(t, 3, 7, 0, 60_100)}},
		orders(1): {batches: [][]byte{sold(t, 0, 7, 0, 900), paid(t, 1, 7, 0, 1010), sold(t, 2, 7, 0, 60_000), paid(t, 3, 7, 0, 60_110)}},
		orders(2): {batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 1))}},
	}
	for to, want := range map[int64][]Cause{1005: {CauseAmbiguous}, 1010: nil, 30_000: nil, 60_099: nil, 60_105: {CauseAmbiguous}, 60_110: nil} {
		p := plan(t, archive, nil, whole(to))
		if got := causes(p); !slices.Equal(got, want) {
			t.Errorf("at %d: refused for %v, want %v", to, got, want)
		}
		if len(want) > 0 && (len(p.Doubts) == 0 || len(p.Doubts[0].Parts) != 2 || !strings.Contains(p.Refusals[0].Text, "orders partition 0")) {
			t.Errorf("at %d: doubts %+v, %q", to, p.Doubts, p.Refusals[0].Text)
		}
	}
	r := whole(1005)
	r.Force = true
	if got := cameBack(t, plan(t, archive, nil, r), archive, 0); len(got) > 0 {
		t.Errorf("forced: offsets %v of a transaction whose last marker came later", got)
	}
}

// The data of the later part was created well after the earlier part's marker:
// two transactions. A clock that cannot be right is not believed.
func TestTimesOfAnOlderProducer(t *testing.T) {
	for created, want := range map[int64][]Cause{8000: nil, 2000: {CauseAmbiguous}, 100: {CauseAmbiguous}, 90_000: {CauseAmbiguous}} {
		archive := shelves{
			orders(0): {batches: [][]byte{sold(t, 0, 7, 0, 900), paid(t, 1, 7, 0, 1000)}},
			orders(1): {batches: [][]byte{sold(t, 0, 7, 0, created), paid(t, 1, 7, 0, 8500)}},
		}
		if got := causes(plan(t, archive, nil, whole(1500))); !slices.Equal(got, want) {
			t.Errorf("created at %d: refused for %v, want %v", created, got, want)
		}
	}
}

func TestRow66GapAmongMarkers(t *testing.T) {
	s := &shelf{batches: [][]byte{sold(t, 0, 7, 0, 1), paid(t, 1, 7, 1, 1000), sold(t, 9, 7, 1, 5), paid(t, 10, 7, 2, 2000)},
		gaps: []Gap{{Base: 2, Next: 9, Reason: "retention"}}}
	other := &shelf{batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 1))}}
	archive := shelves{orders(0): other, {Topic: "payments", Lineage: firstLife}: s}
	r := whole(1500)
	if got := causes(plan(t, archive, nil, r)); !slices.Equal(got, []Cause{CauseInGap}) {
		t.Errorf("a gap of another topic: refused for %v", got)
	}
	r.AllowIncomplete = true
	if got := causes(plan(t, archive, nil, r)); len(got) > 0 {
		t.Errorf("incomplete allowed: refused for %v", got)
	}
}

// What the archive cannot know is said: it ends within the window, or before a
// marker.
func TestWarningsOfTheTail(t *testing.T) {
	archive := shelves{
		orders(0): {batches: [][]byte{sold(t, 0, 7, 0, 1), paid(t, 1, 7, 1, 1000), sold(t, 2, 8, 0, 1)}},
		orders(1): {batches: [][]byte{sold(t, 0, 7, 0, 1), paid(t, 1, 7, 1, 1000), sold(t, 2, 7, 1, 1), paid(t, 3, 7, 2, 90_000)}},
	}
	p := plan(t, archive, nil, whole(2000))
	text := strings.Join(p.Warnings, "\n")
	for _, want := range []string{"1 transactions are left out", "in 1 of 2 partitions", "orders partition 0", moment(1000)} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
	if got := cameBack(t, p, archive, 0); !slices.Equal(got, []int64{0}) {
		t.Errorf("offsets %v", got)
	}
}

// A partition whose archive ends long before the moment, in mid-transaction: the
// other parts are left out too, although they were committed long ago.
func TestTransactionWithoutItsMarker(t *testing.T) {
	archive := shelves{
		orders(0): {batches: [][]byte{sold(t, 0, 7, 0, 1), paid(t, 1, 7, 1, 1000), sold(t, 2, 7, 1, 1)}},
		orders(1): {batches: [][]byte{sold(t, 0, 7, 1, 1), paid(t, 1, 7, 2, 1100), sold(t, 2, 9, 0, 1), paid(t, 3, 9, 1, 200_000)}},
	}
	p := plan(t, archive, nil, whole(200_000))
	if a, b := cameBack(t, p, archive, 0), cameBack(t, p, archive, 1); !slices.Equal(a, []int64{0}) || !slices.Equal(b, []int64{2}) {
		t.Errorf("offsets %v and %v, want [0] and [2]", a, b)
	}
}
