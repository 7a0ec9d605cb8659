package marks

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// compose makes a mark of what was read. What could not be read of a group
// stands there as it was read last.
func (w *Writer) compose(standings map[archive.Key]archive.Standing, r Reading) signed.Mark {
	m := signed.Mark{Topics: topics(standings)}
	if r.Unlisted != nil {
		m.Unlisted = r.Unlisted.Error()
	}
	for _, g := range w.recall(r) {
		if g.Share {
			m.ShareGroups = append(m.ShareGroups, signed.MarkShareGroup{Group: g.Name, State: g.State})
			continue
		}
		if group, ok := compose(g, standings); ok {
			m.Groups = append(m.Groups, group)
		}
	}
	return m
}

// recall puts what is known of a group from before where it could not be read,
// and forgets groups that are gone. The result is sorted by name.
func (w *Writer) recall(r Reading) []GroupReading {
	now := map[string]GroupReading{}
	for _, g := range r.Groups {
		if before, ok := w.known[g.Name]; ok && g.Err != nil {
			g.At, g.Offsets = before.At, before.Offsets
		}
		now[g.Name] = g
	}
	if r.Unlisted != nil {
		for name, before := range w.known {
			if _, listed := now[name]; !listed {
				before.Err = r.Unlisted
				now[name] = before
			}
		}
	}
	w.known = now
	return slices.SortedFunc(maps.Values(now), func(a, b GroupReading) int { return cmp.Compare(a.Name, b.Name) })
}

// topics sorts what is ours by topic and life.
func topics(standings map[archive.Key]archive.Standing) []signed.MarkTopic {
	var out []signed.MarkTopic
	for _, k := range keys(standings) {
		s := standings[k]
		last := len(out) - 1
		if last < 0 || out[last].Topic != k.Topic || out[last].Lineage != s.Lineage {
			out = append(out, signed.MarkTopic{Topic: k.Topic, Lineage: s.Lineage, Count: s.Partitions})
			last++
		}
		out[last].Partitions = append(out[last].Partitions, signed.MarkPartition{Number: k.Partition, Stable: s.Stable, Tails: s.Tails})
	}
	return out
}

func keys(standings map[archive.Key]archive.Standing) []archive.Key {
	return slices.SortedFunc(maps.Keys(standings), func(a, b archive.Key) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic),
			cmp.Compare(standings[a].Lineage.String(), standings[b].Lineage.String()), cmp.Compare(a.Partition, b.Partition))
	})
}

// compose is not ok for a group that is nowhere in what is ours.
func compose(g GroupReading, standings map[archive.Key]archive.Standing) (signed.MarkGroup, bool) {
	out := signed.MarkGroup{Group: g.Name, State: g.State, Protocol: g.Protocol}
	if g.Err != nil {
		out.Unread = g.Err.Error()
	}
	if !g.At.IsZero() {
		at := ceil(g.At)
		out.AsOf = &at
	}
	for k, c := range g.Offsets {
		s, ours := standings[k]
		if ours && (c.Topic == names.TopicID{} || c.Topic == s.Lineage.Topic) {
			out.Offsets = append(out.Offsets, signed.MarkOffset{Topic: k.Topic, Partition: k.Partition, Offset: c.Offset, Metadata: c.Metadata})
		}
	}
	slices.SortFunc(out.Offsets, compareOffsets)
	return out, len(out.Offsets) > 0 || out.Unread != ""
}

func compareOffsets(a, b signed.MarkOffset) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// halve cuts a mark in two: by topic, by partition of one topic, by group of one
// partition. It is not ok for one group in one partition.
func halve(m signed.Mark) (halves [2]signed.Mark, ok bool) {
	a, b := m, m
	b.ShareGroups, b.Unlisted = nil, ""
	switch n := len(m.Topics); {
	case n > 1:
		a.Topics, b.Topics = m.Topics[:n/2], m.Topics[n/2:]
	case n == 1 && len(m.Topics[0].Partitions) > 1:
		x, y := m.Topics[0], m.Topics[0]
		half := len(x.Partitions) / 2
		x.Partitions, y.Partitions = x.Partitions[:half], y.Partitions[half:]
		a.Topics, b.Topics = []signed.MarkTopic{x}, []signed.MarkTopic{y}
	case len(m.Groups) > 1:
		half := len(m.Groups) / 2
		a.Groups, b.Groups = m.Groups[:half], m.Groups[half:]
		return [2]signed.Mark{a, b}, true
	default:
		return halves, false
	}
	a.Groups, b.Groups = within(m.Groups, a.Topics), within(m.Groups, b.Topics)
	return [2]signed.Mark{a, b}, true
}

// within leaves of the groups what lies in some topics. A group that could not
// be read stays.
func within(groups []signed.MarkGroup, topics []signed.MarkTopic) []signed.MarkGroup {
	in := map[archive.Key]bool{}
	for _, t := range topics {
		for _, p := range t.Partitions {
			in[archive.Key{Topic: t.Topic, Partition: p.Number}] = true
		}
	}
	var out []signed.MarkGroup
	for _, g := range groups {
		g.Offsets = slices.DeleteFunc(slices.Clone(g.Offsets), func(o signed.MarkOffset) bool {
			return !in[archive.Key{Topic: o.Topic, Partition: o.Partition}]
		})
		if len(g.Offsets) > 0 || g.Unread != "" {
			out = append(out, g)
		}
	}
	return out
}
