package landed

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/load"
	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// scene is an archive of two regions, and the ledger of what it should hold.
type scene struct {
	*covertest.World
	ledger *load.Ledger
}

// newScene has batches of five events at 0, 5, 10, ... up to 10 for each
// segment, in the ledger and in segments of ten offsets.
func newScene(t *testing.T, segments int) (*scene, []*segment.Sealed) {
	s := &scene{World: covertest.New(t)}
	p := covertest.Partition
	s.ledger = load.NewLedger(load.Facts{
		Topic: p.Topic, TopicID: p.Lineage.Topic, Workload: report.Workload{Partitions: int(p.Number) + 1},
	})
	for i := range int64(segments) {
		s.note(10*i, false)
		s.note(10*i+5, false)
	}
	return s, s.Row(0, segments)
}

// note puts the batch of five events at an offset into the ledger.
func (s *scene) note(base int64, aborted bool) {
	h, err := recordbatch.ParseHeader(covertest.Batch(s.T, base, 5))
	must(s.T, err)
	s.ledger.Note(covertest.Partition.Number, load.NewBatch(base, h.CRC, 5, aborted), time.Unix(1, 0))
}

func (s *scene) places() (out []Region) {
	for _, r := range s.Regions() {
		out = append(out, Region{r.Name, r})
	}
	return out
}

func (s *scene) count() Counted {
	s.T.Helper()
	c, err := Count(context.Background(), s.Archive(), s.places(), s.ledger)
	must(s.T, err)
	return c
}

// want compares the check, and the events of each region.
func (s *scene) want(check report.Check, a, b int64) {
	s.T.Helper()
	c := s.count()
	if c.Check != check {
		s.T.Errorf("check %+v, want %+v\n%s", c.Check, check, strings.Join(c.Problems, "\n"))
	}
	if c.Regions[0].Events != a || c.Regions[1].Events != b {
		s.T.Errorf("regions have %d and %d events, want %d and %d", c.Regions[0].Events, c.Regions[1].Events, a, b)
	}
	bad := check.Lost + check.Twice + check.Changed
	if (bad > 0) != (len(c.Problems) > 0) {
		s.T.Errorf("problems: %v", c.Problems)
	}
}

func TestAllThere(t *testing.T) {
	s, sealed := newScene(t, 3)
	s.want(report.Check{Expected: 30}, 30, 30)
	c := s.count()
	var bytes int64
	for _, x := range sealed {
		bytes += int64(len(x.Data))
	}
	for _, r := range c.Regions {
		if r.Objects != 3 || r.Segments != 3 || r.Bytes != bytes {
			t.Errorf("%+v, want 3 segments of %d bytes", r, bytes)
		}
	}
}

func TestLost(t *testing.T) {
	s, sealed := newScene(t, 3)
	s.B.Remove(sealed[1].Name.String())
	s.want(report.Check{Expected: 30, Lost: 10}, 30, 20)
	s.A.Remove(sealed[1].Name.String())
	s.want(report.Check{Expected: 30, Lost: 10}, 20, 20)
}

func TestLostAtTheEnd(t *testing.T) {
	s, _ := newScene(t, 3)
	s.note(30, false)
	s.want(report.Check{Expected: 35, Lost: 5}, 30, 30)
}

func TestDamagedCountsAsLost(t *testing.T) {
	s, sealed := newScene(t, 3)
	at := int(sealed[1].Footer.Blocks[0].Position) + 20
	s.A.Flip(sealed[1].Name.String(), at)
	s.want(report.Check{Expected: 30, Lost: 10}, 20, 30)
	s.A.Flip(sealed[1].Name.String(), at)
	s.B.Flip(sealed[1].Name.String(), at) // the copy that is compared with the other
	s.want(report.Check{Expected: 30, Lost: 10}, 30, 20)
}

// Both copies are looked at, though the checksum of the whole object says
// nothing.
func TestChangedWithTheSameChecksum(t *testing.T) {
	for i := range 2 {
		s, sealed := newScene(t, 3)
		at := int(sealed[1].Footer.Blocks[0].Position) + 20
		s.Regions()[i].Put(sealed[1].Name.String(), covertest.SameCRC(sealed[1].Data, at))
		want := [2]int64{30, 30}
		want[i] = 20
		s.want(report.Check{Expected: 30, Lost: 10}, want[0], want[1])
	}
}

func TestKeyPageMissing(t *testing.T) {
	s, _ := newScene(t, 3)
	s.B.RemovePage(covertest.Page)
	s.want(report.Check{Expected: 30, Lost: 30}, 30, 0)
}

func TestChanged(t *testing.T) {
	s, _ := newScene(t, 2)
	s.ledger.Note(covertest.Partition.Number, load.NewBatch(20, 0xbad, 5, false), time.Unix(1, 0))
	s.Store(covertest.Spec{Base: 20, Next: 25, Batches: [][]byte{covertest.Batch(t, 20, 5)}})
	s.want(report.Check{Expected: 25, Changed: 5}, 20, 20)
}

func TestNeverAcknowledged(t *testing.T) {
	s, _ := newScene(t, 2)
	s.Store(covertest.Spec{Base: 20, Next: 25, Batches: [][]byte{covertest.Batch(t, 20, 5)}})
	s.want(report.Check{Expected: 20, Twice: 5}, 25, 25)
}

func TestAbortedButThere(t *testing.T) {
	s, _ := newScene(t, 2)
	s.note(20, true)
	s.want(report.Check{Expected: 20}, 20, 20)
	s.Store(covertest.Spec{Base: 20, Next: 25, Batches: [][]byte{covertest.Batch(t, 20, 5)}}, s.A)
	s.want(report.Check{Expected: 20, Twice: 5}, 25, 20)
}

// Copies of the same offsets are one to a reader, however they are cut.
func TestCopiesAreNotTwice(t *testing.T) {
	s, _ := newScene(t, 3)
	s.Store(covertest.Spec{Base: 5, Next: 20, Batches: [][]byte{covertest.Batch(t, 5, 5), covertest.Batch(t, 10, 5), covertest.Batch(t, 15, 5)}})
	s.want(report.Check{Expected: 30}, 30, 30)
}

// A segment vouches only for the offsets of its name, though its first batch
// begins before them.
func TestPartOfABatch(t *testing.T) {
	s, _ := newScene(t, 0)
	s.note(0, false)
	whole := [][]byte{covertest.Batch(t, 0, 5)}
	s.Store(covertest.Spec{Base: 3, Next: 5, Batches: whole})
	s.want(report.Check{Expected: 5, Lost: 3}, 2, 2)
	s.Store(covertest.Spec{Base: 0, Next: 5, Batches: whole}, s.A)
	s.want(report.Check{Expected: 5, Lost: 3}, 5, 2)
}

func TestAnotherTopicOfTheName(t *testing.T) {
	s, _ := newScene(t, 1)
	p := covertest.Partition
	p.Lineage.Topic[0]++
	s.Store(covertest.Spec{Partition: p, Base: 0, Next: 5, Batches: [][]byte{covertest.Batch(t, 0, 5)}})
	c := s.count()
	if c.Check != (report.Check{Expected: 10}) || len(c.Problems) != 2 {
		t.Errorf("%+v", c)
	}
}

func TestListingFails(t *testing.T) {
	s, _ := newScene(t, 1)
	s.B.Down()
	if _, err := Count(context.Background(), s.Archive(), s.places(), s.ledger); err == nil {
		t.Error("a region that does not answer was counted")
	}
	if _, err := s.tails().Poll(context.Background()); err == nil {
		t.Error("a region that does not answer has tails")
	}
}

func (s *scene) tails() *Tails {
	p := covertest.Partition
	return NewTails(p.Topic, p.Lineage.Topic, int(p.Number)+1, s.places())
}

// next polls and returns the tail of the scene's partition.
func (s *scene) next(tails *Tails) int64 {
	s.T.Helper()
	snapshot, err := tails.Poll(context.Background())
	must(s.T, err)
	return snapshot.Next[covertest.Partition.Number]
}

func TestTails(t *testing.T) {
	s, sealed := newScene(t, 5)
	tails := s.tails()
	if got := s.next(tails); got != 50 {
		t.Errorf("tail %d, want 50", got)
	}
	name := sealed[4].Name.String()
	s.B.Remove(name)
	if got := s.next(s.tails()); got != 40 {
		t.Errorf("tail %d, want 40: one region lacks the last segment", got)
	}
	s.A.Remove(sealed[2].Name.String())
	if got := s.next(s.tails()); got != 20 {
		t.Errorf("tail %d, want 20: there is a hole", got)
	}
}

// A long partition is not listed from its beginning again.
func TestTailsFollow(t *testing.T) {
	s, _ := newScene(t, 0)
	tails := s.tails()
	const many = 250
	sealed := s.Row(0, many)
	if got := s.next(tails); got != 10*many {
		t.Fatalf("tail %d, want %d", got, 10*many)
	}
	last := s.Store(covertest.Spec{Base: 10*many + 10, Next: 10*many + 15, Batches: [][]byte{covertest.Batch(t, 10*many+10, 5)}})
	for range 2 {
		if got := s.next(tails); got != 10*many {
			t.Errorf("tail %d beyond a hole, want %d", got, 10*many)
		}
	}
	s.A.Remove(sealed[0].Name.String()) // nobody looks there any more
	s.Store(covertest.Spec{Base: 10 * many, Next: 10*many + 10, Batches: [][]byte{covertest.Batch(t, 10*many, 5), covertest.Batch(t, 10*many+5, 5)}})
	snapshot, err := tails.Poll(context.Background())
	must(t, err)
	if got := snapshot.Next[covertest.Partition.Number]; got != last.Name.Next {
		t.Errorf("tail %d, want %d", got, last.Name.Next)
	}
	if r := snapshot.Regions[0]; r.Objects != many+2 || r.Segments != many+2 {
		t.Errorf("%+v, want %d objects", r, many+2)
	}
}

func TestTailsOfAnotherLife(t *testing.T) {
	s, _ := newScene(t, 1)
	p := covertest.Partition
	other := NewTails(p.Topic, names.TopicID{1}, int(p.Number)+1, s.places())
	if got := s.next(other); got != 0 {
		t.Errorf("tail %d of a topic that is not there", got)
	}
}
