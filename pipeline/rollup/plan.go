package rollup

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Request says what to roll up.
type Request struct {
	// Topics are those to roll up; none means all.
	Topics []string
	// Before is when a window must have ended; zero means Options.After ago.
	Before time.Time
	// Lapse says to delete small segments that roll-ups hold.
	Lapse bool
	// Hook is told what happens, by one goroutine. It may be nil.
	Hook func(Event)
}

// Event is progress.
type Event struct {
	Partition names.Partition
	// What is being done: "look", "seal", "store", "check" or "lapse".
	What string
	// Done of All small segments, where they are counted.
	Done, All int
}

// Plan is what there is to do.
type Plan struct {
	// Before is when the windows have ended at the latest.
	Before  time.Time `json:"before"`
	Windows []*Window `json:"windows"`
	// Segments and Bytes are of the small segments that would be rolled up.
	Segments int   `json:"segments"`
	Bytes    int64 `json:"bytes"`
	Rolls    int   `json:"roll_ups"`
	// Findings are what stays as it is, and why.
	Findings []cover.Finding `json:"findings"`

	request Request
	parts   []*partition
}

// Window is a span of time of one partition that is over.
type Window struct {
	Topic     string        `json:"topic"`
	Lineage   names.Lineage `json:"lineage"`
	Partition int32         `json:"partition"`
	// From and To are the span, [From, To).
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Rolls []*Roll   `json:"roll_ups"`
}

// Roll is one large segment to be made.
type Roll struct {
	cover.Offsets
	// Segments, Bytes and Records are of the small segments; where they
	// overlap, records count twice.
	Segments    int       `json:"segments"`
	Bytes       int64     `json:"bytes"`
	Records     int64     `json:"records"`
	RetainUntil time.Time `json:"retain_until"`

	members []*member
	created time.Time // of the newest member
}

// member is a segment that verified in some region.
type member struct {
	cover.Candidate
	object  *cover.Object
	created time.Time
	// retain is its own date, as signed; locked is the later of that and the
	// store's.
	retain, locked time.Time
}

// ended is where a roll-up ends.
type ended struct {
	next   int64
	digest names.Digest
}

// partition is what is known of one partition.
type partition struct {
	name names.Partition
	m    *cover.Map
	// rolled are the segments that carry the long retention date already.
	rolled []ended
	small  []*member
	// newest is when the newest segment up to here was begun.
	newest  time.Time
	windows []*Window
}

// Plan looks at every partition and decides what is rolled up. It writes
// nothing. The error is of a listing that failed, or of the context.
func (r *Roller) Plan(ctx context.Context, q Request) (*Plan, error) {
	if q.Hook == nil {
		q.Hook = func(Event) {}
	}
	if q.Before.IsZero() {
		q.Before = r.options.Now().Add(-r.options.After)
	}
	p := &Plan{Before: q.Before.UTC(), Windows: []*Window{}, Findings: []cover.Finding{}, request: q}
	topics := q.Topics
	if len(topics) == 0 {
		topics = []string{""}
	}
	for _, topic := range topics {
		listed, err := r.parts.Archive.List(ctx, topic)
		if err != nil {
			return nil, fmt.Errorf("plan roll-up: %w", err)
		}
		for _, name := range listed.Partitions {
			if err := r.planPartition(ctx, p, name); err != nil {
				return nil, fmt.Errorf("plan roll-up of %s: %w", name, err)
			}
		}
	}
	return p, nil
}

func (r *Roller) planPartition(ctx context.Context, p *Plan, name names.Partition) error {
	m, err := r.parts.Archive.Map(ctx, name)
	if err != nil {
		return err
	}
	if len(m.Down) > 0 {
		p.silent(m)
		return nil
	}
	part := &partition{name: name, m: m}
	if err := r.look(ctx, p, part); err != nil {
		return err
	}
	part.windows = r.group(part.small)
	p.add(part)
	return nil
}

// silent says that a partition waits for a region: a roll-up is made in both or
// not at all.
func (p *Plan) silent(m *cover.Map) {
	p.Findings = append(p.Findings, cover.Silent(m.Down, m.Partition.String())...)
}

func (p *Plan) add(part *partition) {
	p.parts = append(p.parts, part)
	p.Windows = append(p.Windows, part.windows...)
	for _, w := range part.windows {
		for _, roll := range w.Rolls {
			p.Rolls++
			p.Segments += roll.Segments
			p.Bytes += roll.Bytes
		}
	}
}

// look reads the tails of the segments, the lowest base first, until one was
// begun in a window that is not over: windows go by the newest so far, so that
// none that follows is over either. What a page says to be held is known.
func (r *Roller) look(ctx context.Context, p *Plan, part *partition) error {
	held, err := r.held(ctx, part)
	if err != nil {
		return err
	}
	var todo []cover.Candidate
	for _, c := range part.m.Segments {
		if !held[c.Range] {
			todo = append(todo, c)
		}
	}
	for chunk := range slices.Chunk(todo, ahead) {
		p.request.Hook(Event{Partition: part.name, What: "look", Done: len(part.small), All: len(todo)})
		members, findings := r.inspect(ctx, chunk)
		if err := ctx.Err(); err != nil {
			return err
		}
		p.Findings = append(p.Findings, findings...)
		for _, x := range members {
			if !r.sort(part, x, p.Before) {
				return nil
			}
		}
	}
	return nil
}

// sort puts a segment where it belongs; false when its window is not over.
func (r *Roller) sort(part *partition, x *member, before time.Time) bool {
	part.newest = later(part.newest, x.created)
	if r.windowOf(part.newest).Add(r.options.Window).After(before) {
		return false
	}
	if r.isRolled(x) {
		part.rolled = append(part.rolled, ended{x.Next, x.object.Digest})
	} else {
		part.small = append(part.small, x)
	}
	return true
}

// held returns the segments that a page says to be held by a roll-up which
// every region lists, and those roll-ups.
func (r *Roller) held(ctx context.Context, part *partition) (map[names.Range]bool, error) {
	span, ok := part.m.Span()
	if !ok {
		return nil, nil
	}
	pages, err := r.parts.Archive.Pages(ctx, part.name, span)
	if err != nil {
		return nil, err
	}
	out := map[names.Range]bool{}
	for _, page := range pages {
		for i := range page.Segments {
			s := &page.Segments[i]
			if !r.inAll(part.m, page.Name(s)) {
				continue
			}
			out[page.Name(s)] = true
			part.rolled = append(part.rolled, ended{s.Next, s.Digest})
			for _, c := range beginningIn(part.m.Segments, cover.Offsets{Base: s.Base, Next: s.Next}) {
				out[c.Range] = out[c.Range] || s.Has(c.Range)
			}
		}
	}
	return out, nil
}

// inAll reports whether every region lists a segment.
func (r *Roller) inAll(m *cover.Map, name names.Range) bool {
	for _, c := range beginningIn(m.Segments, cover.Offsets{Base: name.Base, Next: name.Base + 1}) {
		if c.Range == name {
			return len(c.Places) == len(r.parts.Regions)
		}
	}
	return false
}

// beginningIn returns the candidates that begin in a range of offsets. They are
// sorted by base.
func beginningIn(all []cover.Candidate, o cover.Offsets) []cover.Candidate {
	by := func(c cover.Candidate, base int64) int { return cmp.Compare(c.Base, base) }
	from, _ := slices.BinarySearchFunc(all, o.Base, by)
	to, _ := slices.BinarySearchFunc(all, o.Next, by)
	return all[from:to]
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
