package cover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
)

// Candidate is an object as its name tells, and where it was listed. It counts
// only when it verifies.
type Candidate struct {
	names.Range
	// Places are the regions that listed it, the nearest first.
	Places []Place
}

// Place is one listed copy of an object.
type Place struct {
	Region string
	Info   object.Info
}

// Offsets returns what the name claims to hold.
func (c Candidate) Offsets() Offsets { return Offsets{c.Base, c.Next} }

// Place returns the copy in a region.
func (c Candidate) Place(region string) (Place, bool) {
	for _, p := range c.Places {
		if p.Region == region {
			return p, true
		}
	}
	return Place{}, false
}

// Map is what the regions list for one partition.
type Map struct {
	Partition names.Partition
	// Segments and Gaps are sorted by base, then next, then digest.
	Segments, Gaps []Candidate
	// Unknown are names that tidemark did not give.
	Unknown []Finding
	// Strays are copies of segments of other places; see dropStrays.
	Strays []Finding
	// Down are the regions that did not answer, with the reason: nothing is
	// known about what they hold.
	Down map[string]error
}

// Coverage returns the offsets that the names claim.
func (m *Map) Coverage() *Coverage {
	c := &Coverage{}
	for _, s := range m.Segments {
		c.Add(s.Offsets())
	}
	for _, g := range m.Gaps {
		c.Add(g.Offsets())
	}
	return c
}

// Span returns the lowest and the highest offset that a name claims; ok is
// false when there is no name.
func (m *Map) Span() (o Offsets, ok bool) {
	for _, list := range [][]Candidate{m.Segments, m.Gaps} {
		for _, c := range list {
			if !ok {
				o, ok = c.Offsets(), true
			}
			o = Offsets{min(o.Base, c.Base), max(o.Next, c.Next)}
		}
	}
	return o, ok
}

// Listed is what the regions list under topics.
type Listed struct {
	Partitions []names.Partition
	// Unknown are names outside the partitions that tidemark did not give.
	Unknown []Finding
	// Down are the regions that did not answer, with the reason.
	Down map[string]error
}

// Partitions returns every partition of a topic that some region holds an
// object of, in all its lineages; with an empty topic, of all topics. They are
// sorted by topic, lineage and number.
func (a *Archive) Partitions(ctx context.Context, topic string) ([]names.Partition, error) {
	seen, err := a.List(ctx, topic)
	return seen.Partitions, err
}

// List is Partitions with everything else that was seen on the way.
func (a *Archive) List(ctx context.Context, topic string) (Listed, error) {
	var seen Listed
	if topic != "" {
		if err := names.CheckTopic(topic); err != nil {
			return seen, err
		}
	}
	found := map[names.Partition]bool{}
	down, err := a.everywhere(ctx, func(ctx context.Context, r *Region) (func(), error) {
		here, strange := map[names.Partition]bool{}, []Finding{}
		err := a.walk(ctx, r, topic, func(name names.Range) { here[name.Partition] = true }, func(f Finding) { strange = append(strange, f) })
		return func() {
			maps.Copy(found, here)
			seen.Unknown = append(seen.Unknown, strange...)
		}, err
	})
	if err != nil {
		return seen, fmt.Errorf("list partitions: %w", err)
	}
	seen.Down = down
	seen.Partitions = slices.SortedFunc(maps.Keys(found), comparePartitions)
	return seen, nil
}

func comparePartitions(a, b names.Partition) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), strings.Compare(a.Lineage.Topic.String(), b.Lineage.Topic.String()),
		cmp.Compare(a.Lineage.Branch, b.Lineage.Branch), cmp.Compare(a.Number, b.Number))
}

// walk visits each partition of a topic by its first name, and then asks for
// what sorts after the partition: a long archive costs one listing page a
// partition, not all its names.
func (a *Archive) walk(ctx context.Context, r *Region, topic string, visit func(names.Range), unknown func(Finding)) error {
	prefix, after := names.TopicPrefix(topic), ""
	for {
		next, err := step(r.Objects.List(ctx, prefix, after), r.Name, visit, unknown)
		if err != nil || next == "" {
			return err
		}
		after = next
	}
}

// step reads names up to the first of a partition and returns where to go on;
// "" at the end.
func step(list iter.Seq2[object.Info, error], region string, visit func(names.Range), unknown func(Finding)) (string, error) {
	for info, err := range list {
		if err != nil {
			return "", err
		}
		if names.IsTopicConfig(info.Key) {
			continue
		}
		if folder, ok := names.CatalogueFolderOf(info.Key); ok {
			return folder + "~", nil // pages are many; no partition lies among them
		}
		name, err := names.ParseRange(info.Key)
		if err != nil {
			unknown(unknownName(region, info.Key, err))
			continue
		}
		visit(name)
		// Base offsets are digits, and "~" sorts after every digit.
		return name.Partition.Prefix() + "~", nil
	}
	return "", nil
}

func unknownName(region, key string, err error) Finding {
	return Finding{Kind: KindUnknownName, Region: region, Object: key, Detail: err.Error(), Advice: KindUnknownName.Advice()}
}

// Map lists a partition in all regions and merges what they list by name. A
// region that does not answer is in Down; if none does, that is the error.
func (a *Archive) Map(ctx context.Context, p names.Partition) (*Map, error) {
	return a.MapBetween(ctx, p, Offsets{0, math.MaxInt64})
}

// MapBetween is Map of those names alone whose base offset is in a range. It
// costs the listing of these names, for names sort by base; but what covers an
// offset may have a base far below it.
func (a *Archive) MapBetween(ctx context.Context, p names.Partition, bases Offsets) (*Map, error) {
	m := &Map{Partition: p}
	found := map[names.Range]*Candidate{}
	down, err := a.everywhere(ctx, func(ctx context.Context, r *Region) (func(), error) {
		here, err := listed(ctx, r, p, bases)
		return func() { m.take(r, here, found) }, err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", p, err)
	}
	m.Down = down
	for _, c := range found {
		switch c.Kind {
		case names.KindSegment:
			m.Segments = append(m.Segments, *c)
		case names.KindGap:
			m.Gaps = append(m.Gaps, *c)
		case names.KindErase:
			m.Unknown = append(m.Unknown, unknownName(c.Places[0].Region, c.String(), errors.New("erasures are made by a later version of tidemark")))
		}
	}
	slices.SortFunc(m.Segments, compareCandidates)
	slices.SortFunc(m.Gaps, compareCandidates)
	a.dropStrays(ctx, m)
	slices.SortFunc(m.Unknown, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Object, b.Object), strings.Compare(a.Region, b.Region))
	})
	return m, nil
}

func compareCandidates(a, b Candidate) int {
	return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Next, b.Next), slices.Compare(a.Digest[:], b.Digest[:]))
}

// listed lists the names of a partition in one region.
func listed(ctx context.Context, r *Region, p names.Partition, bases Offsets) (here []object.Info, err error) {
	after := ""
	if bases.Base > 0 {
		after = p.After(bases.Base)
	}
	for info, err := range r.Objects.List(ctx, p.Prefix(), after) {
		if err != nil {
			return here, err
		}
		if name, err := names.ParseRange(info.Key); err == nil && name.Partition == p && name.Base >= bases.Next {
			break
		}
		here = append(here, info)
	}
	return here, nil
}

// take merges what one region lists.
func (m *Map) take(r *Region, here []object.Info, found map[names.Range]*Candidate) {
	for _, info := range here {
		name, err := names.ParseRange(info.Key)
		if err != nil || name.Partition != m.Partition {
			m.Unknown = append(m.Unknown, unknownName(r.Name, info.Key, cmp.Or(err, errors.New("it is in the folder of another partition"))))
			continue
		}
		c := found[name]
		if c == nil {
			c = &Candidate{Range: name}
			found[name] = c
		}
		c.Places = append(c.Places, Place{Region: r.Name, Info: info})
	}
}
