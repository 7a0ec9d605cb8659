package landed

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
)

// namesForList is how many names cost a store as much as one more request: a
// store looks at each object that it lists. Below that many for each partition
// the topic is listed as a whole.
const namesForList = 50

// Tails follows how far the regions hold a topic's partitions from offset 0 on.
// It is for one goroutine.
type Tails struct {
	topic   string
	lineage names.Lineage
	regions []*follower
}

// Snapshot is what one poll saw.
type Snapshot struct {
	// At is when the poll began: what it does not show had not landed by then.
	At time.Time
	// Next is, by partition, the offset up to which every region claims all
	// offsets from 0 on.
	Next []int64
	// Regions have objects, segments and bytes of the topic's partitions. A copy
	// that arrives behind what is known already is not seen; Count sees it.
	Regions []report.Region
}

// NewTails follows a topic, by the id that Kafka gave it.
func NewTails(topic string, id names.TopicID, partitions int, regions []Region) *Tails {
	t := &Tails{topic: topic, lineage: names.Lineage{Topic: id, Branch: names.RootBranch}}
	for _, r := range regions {
		t.regions = append(t.regions, &follower{Region: r, tails: t, parts: make([]tail, partitions)})
	}
	return t
}

// Poll looks at all regions, side by side.
func (t *Tails) Poll(ctx context.Context) (Snapshot, error) {
	s := Snapshot{At: time.Now()}
	group, ctx := errgroup.WithContext(ctx)
	for _, f := range t.regions {
		group.Go(func() error { return f.poll(ctx) })
	}
	if err := group.Wait(); err != nil {
		return Snapshot{}, err
	}
	for i, f := range t.regions {
		s.Regions = append(s.Regions, f.sum())
		for p, x := range f.parts {
			if i == 0 {
				s.Next = append(s.Next, x.next)
			}
			s.Next[p] = min(s.Next[p], x.next)
		}
	}
	return s, nil
}

// follower is what is known of one region.
type follower struct {
	Region
	tails *Tails
	parts []tail
}

// tail is one partition in one region.
type tail struct {
	// next is how far it reaches without a hole, and after the last name that
	// says so: a later poll begins behind it.
	next  int64
	after string
	// settled are the objects up to after, waiting those behind it.
	settled, waiting amount
}

type amount struct{ objects, segments, bytes int64 }

func (a *amount) add(r names.Range, info object.Info) {
	a.objects++
	a.bytes += info.Size
	if r.Kind == names.KindSegment {
		a.segments++
	}
}

func (f *follower) poll(ctx context.Context) error {
	err := f.list(ctx)
	if err != nil {
		return fmt.Errorf("list region %s: %w", f.Name, err)
	}
	return nil
}

func (f *follower) list(ctx context.Context) error {
	if f.sum().Objects <= namesForList*int64(len(f.parts)) {
		clear(f.parts)
		return f.scan(ctx, names.TopicPrefix(f.tails.topic), "")
	}
	for p := range f.parts {
		f.parts[p].waiting = amount{}
		place := names.Partition{Topic: f.tails.topic, Lineage: f.tails.lineage, Number: int32(p)}
		if err := f.scan(ctx, place.Prefix(), f.parts[p].after); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) scan(ctx context.Context, prefix, after string) error {
	for info, err := range f.Objects.List(ctx, prefix, after) {
		if err != nil {
			return err
		}
		r, err := names.ParseRange(info.Key)
		if err != nil || r.Partition.Topic != f.tails.topic || r.Partition.Lineage != f.tails.lineage || int(r.Partition.Number) >= len(f.parts) {
			continue // settings of the topic, or another life of it
		}
		f.parts[r.Partition.Number].take(r, info)
	}
	return nil
}

// take adds a name behind those before it. Names sort by base, so nothing that
// comes later fills a hole.
func (t *tail) take(r names.Range, info object.Info) {
	if r.Base > t.next {
		t.waiting.add(r, info)
		return
	}
	t.next = max(t.next, r.Next)
	t.after = info.Key
	t.settled.add(r, info)
}

func (f *follower) sum() report.Region {
	out := report.Region{Name: f.Name}
	for _, t := range f.parts {
		for _, a := range []amount{t.settled, t.waiting} {
			out.Objects += a.objects
			out.Segments += a.segments
			out.Bytes += a.bytes
		}
	}
	return out
}
