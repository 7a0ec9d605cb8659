package rollup

import (
	"context"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// group decides what is rolled up together. It looks at nothing but the signed
// headers and the names, so that every writer decides the same.
//
// Segments that touch or overlap go into one roll-up while they belong to one
// window, by when the newest so far was begun, and until it would hold more than
// a size or a count. What overlaps is never parted. A hole, a gap and a segment
// that is rolled up already end a roll-up: offsets that no segment claims must
// not look archived.
func (r *Roller) group(small []*member) []*Window {
	var out []*Window
	var w *Window
	var roll *Roll
	var newest time.Time
	for _, x := range small {
		newest = later(newest, x.created)
		from := r.windowOf(newest)
		parted := roll == nil || x.Base > roll.Next || x.Base == roll.Next && (r.full(roll, x) || !w.From.Equal(from) || x.parent() != roll.parent())
		if parted {
			if w == nil || !w.From.Equal(from) || len(w.Rolls) == maxRolls {
				w = newWindow(x, from, r.options.Window)
				out = append(out, w)
			}
			roll = &Roll{Offsets: x.Offsets()}
			w.Rolls = append(w.Rolls, roll)
		}
		r.join(roll, x)
	}
	return out
}

func newWindow(x *member, from time.Time, length time.Duration) *Window {
	p := x.Partition
	return &Window{Topic: p.Topic, Lineage: p.Lineage, Partition: p.Number, From: from, To: from.Add(length)}
}

// full reports whether a roll-up has no room for one more.
func (r *Roller) full(roll *Roll, x *member) bool {
	return roll.Bytes+x.object.Info.Size > r.options.Size || roll.Segments >= maxHeld
}

func (r *Roller) join(roll *Roll, x *member) {
	roll.members = append(roll.members, x)
	roll.Next = max(roll.Next, x.Next)
	roll.Segments++
	roll.Bytes += x.object.Info.Size
	roll.Records += int64(x.object.Segment.Footer().Records)
	roll.created = later(roll.created, x.created)
	roll.RetainUntil = later(later(roll.RetainUntil, x.retain), x.created.Add(r.options.Retain))
}

func (x *member) parent() int32 { return x.object.Segment.Header().Parent }

func (r *Roll) parent() int32 { return r.members[0].parent() }

// windowOf is the beginning of the window that a moment is in.
func (r *Roller) windowOf(t time.Time) time.Time { return t.UTC().Truncate(r.options.Window) }

// isRolled reports whether a segment carries the long retention date.
func (r *Roller) isRolled(x *member) bool { return !x.retain.Before(x.created.Add(r.options.Retain)) }

// inspect verifies candidates, each in the first region where it counts. The
// result is in their order. One that counts nowhere is a finding and stays what
// it is: its retention date cannot be believed.
func (r *Roller) inspect(ctx context.Context, all []cover.Candidate) ([]*member, []cover.Finding) {
	found, bad := make([]*member, len(all)), make([][]cover.Finding, len(all))
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i, c := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			found[i], bad[i] = r.inspectOne(ctx, c)
		})
	}
	wg.Wait()
	var members []*member
	var findings []cover.Finding
	for i, x := range found {
		if x != nil {
			members = append(members, x)
			continue
		}
		findings = append(findings, bad[i]...)
	}
	return members, findings
}

func (r *Roller) inspectOne(ctx context.Context, c cover.Candidate) (*member, []cover.Finding) {
	var findings []cover.Finding
	for _, place := range c.Places {
		o, err := r.parts.Archive.Verify(ctx, place.Region, c.Range)
		if err == nil {
			h := o.Segment.Header()
			return &member{c, o, h.Created, h.RetainUntil, later(h.RetainUntil, o.Info.RetainUntil)}, nil
		}
		findings = append(findings, findingOf(c, place.Region, err))
	}
	return nil, findings
}
