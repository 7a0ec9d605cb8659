package marks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/documents"
)

// Mark is one logical mark: what an archive knew at a moment.
type Mark struct {
	// Asked is the moment that it was put together for, zero for the newest.
	Asked time.Time `json:"asked,omitzero"`
	// At is the instant of its newest document. That of each partition stands
	// beside it: another writer may have written earlier.
	At time.Time `json:"at"`
	// Documents are the names of what it was put together of, the newest first.
	Documents  []string     `json:"documents"`
	Partitions []Partition  `json:"partitions"`
	Groups     []Group      `json:"groups,omitempty"`
	Shares     []ShareGroup `json:"share_groups,omitempty"`
	// Warnings are what a person should know before groups are put there.
	Warnings []string `json:"warnings,omitempty"`
}

// Partition is how far one partition of one life of a topic was.
type Partition struct {
	Topic   string        `json:"topic"`
	Lineage names.Lineage `json:"lineage"`
	Number  int32         `json:"partition"`
	// Count is how many partitions the topic had.
	Count int32 `json:"partitions"`
	// At is the instant that this was true at, Document what says so.
	At       time.Time `json:"at"`
	Document string    `json:"document"`
	// Stable is the last stable offset of the log as last heard, -1 where it was
	// not.
	Stable int64 `json:"stable"`
	// Tails are the first offsets that each region did not hold; Tail is the
	// highest.
	Tails map[string]int64 `json:"tails"`
	Tail  int64            `json:"tail"`
}

// Group is where a consumer group was.
type Group struct {
	Name     string `json:"group"`
	State    string `json:"state,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	// Unread says why the group could not be read at the mark's instant; its
	// offsets are those of an earlier time then, or there are none.
	Unread  string   `json:"unread,omitempty"`
	Offsets []Offset `json:"offsets"`
}

// Offset is a committed offset: that of the next record that the group reads.
type Offset struct {
	Topic     string        `json:"topic"`
	ID        names.TopicID `json:"topic_id"`
	Partition int32         `json:"partition"`
	Offset    int64         `json:"offset"`
	Metadata  string        `json:"metadata,omitempty"`
	// At is when it was read.
	At time.Time `json:"at"`
}

// ShareGroup is a share group (KIP-932): its position is not kept.
type ShareGroup struct {
	Name  string `json:"group"`
	State string `json:"state,omitempty"`
}

// Offsets returns the tails, by topic and partition: where a restore to this mark
// cuts. With two lives of a topic the one of the newest document counts.
func (m *Mark) Offsets() map[string]map[int32]int64 {
	lives := m.Lives()
	out := map[string]map[int32]int64{}
	for _, p := range m.Partitions {
		if lives[p.Topic] != p.Lineage.Topic {
			continue
		}
		if out[p.Topic] == nil {
			out[p.Topic] = map[int32]int64{}
		}
		out[p.Topic][p.Number] = p.Tail
	}
	return out
}

// Lives returns the life of each topic at the mark: that of its newest document.
func (m *Mark) Lives() map[string]names.TopicID {
	newest := map[string]Partition{}
	for _, p := range m.Partitions {
		if n, ok := newest[p.Topic]; !ok || p.At.After(n.At) {
			newest[p.Topic] = p
		}
	}
	out := map[string]names.TopicID{}
	for topic, p := range newest {
		out[topic] = p.Lineage.Topic
	}
	return out
}

// place is one partition of one life of a topic.
type place struct {
	topic  string
	id     names.TopicID
	number int32
}

type life struct {
	topic string
	id    names.TopicID
}

// assembly puts a mark together of documents, which come the newest first.
type assembly struct {
	options Options
	out     Mark
	parts   map[place]Partition
	series  map[place]string // of the document that spoke for it
	counts  map[life]int32
	groups  map[string]*Group
	shares  map[string]ShareGroup
}

func newAssembly(o Options) *assembly {
	return &assembly{options: o, parts: map[place]Partition{}, series: map[place]string{}, counts: map[life]int32{}, groups: map[string]*Group{}, shares: map[string]ShareGroup{}}
}

func (x *assembly) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(x.out.Warnings, text) {
		x.out.Warnings = append(x.out.Warnings, text)
	}
}

// complete reports whether every partition is there that is wanted. How many
// there were then, only a mark of the topic tells.
func (x *assembly) complete() bool {
	if len(x.options.Topics) == 0 {
		return false
	}
	for topic, id := range x.options.Topics {
		count, ok := x.counts[life{topic, id}]
		for n := range count {
			_, here := x.parts[place{topic, id, n}]
			ok = ok && here
		}
		if !ok {
			return false
		}
	}
	return true
}

func (x *assembly) wants(t signed.MarkTopic) bool {
	if len(x.options.Topics) == 0 {
		return true
	}
	id, ok := x.options.Topics[t.Topic]
	return ok && id == t.Lineage.Topic
}

// add takes what a document knows of partitions that no newer one tells of.
// Documents of one series are one that was too large.
func (x *assembly) add(e documents.Entry, m signed.Mark) {
	mine := map[string]map[int32]names.TopicID{}
	for _, t := range m.Topics {
		if !x.wants(t) {
			continue
		}
		if _, ok := x.counts[life{t.Topic, t.Lineage.Topic}]; !ok {
			x.counts[life{t.Topic, t.Lineage.Topic}] = t.Count
		}
		for _, p := range t.Partitions {
			if !x.take(e, m.Series, t, p) {
				continue
			}
			if mine[t.Topic] == nil {
				mine[t.Topic] = map[int32]names.TopicID{}
			}
			mine[t.Topic][p.Number] = t.Lineage.Topic
		}
	}
	if len(mine) == 0 {
		return
	}
	x.out.Documents = append(x.out.Documents, e.String())
	if e.At.After(x.out.At) {
		x.out.At = e.At
	}
	x.addGroups(e, m, mine)
}

// take reports whether a document is one that speaks for a partition.
func (x *assembly) take(e documents.Entry, series string, t signed.MarkTopic, p signed.MarkPartition) bool {
	at := place{t.Topic, t.Lineage.Topic, p.Number}
	if there, ok := x.parts[at]; ok {
		return series != "" && series == x.series[at] && there.At.Equal(e.At)
	}
	x.series[at] = series
	part := Partition{
		Topic: t.Topic, Lineage: t.Lineage, Number: p.Number, Count: t.Count, At: e.At, Document: e.String(), Stable: p.Stable, Tails: p.Tails,
	}
	for _, tail := range p.Tails {
		part.Tail = max(part.Tail, tail)
	}
	x.parts[at] = part
	return true
}

func (x *assembly) addGroups(e documents.Entry, m signed.Mark, mine map[string]map[int32]names.TopicID) {
	if m.Unlisted != "" {
		x.warn("at %s not all consumer groups could be listed: %s", moment(e.At), m.Unlisted)
	}
	for _, s := range m.ShareGroups {
		if _, ok := x.shares[s.Group]; !ok {
			x.shares[s.Group] = ShareGroup{Name: s.Group, State: s.State}
		}
	}
	for _, g := range m.Groups {
		group := x.groups[g.Group]
		if group == nil {
			group = &Group{Name: g.Group, State: g.State, Protocol: g.Protocol}
			x.groups[g.Group] = group
		}
		x.unread(e, g, group)
		for _, o := range g.Offsets {
			if id, ok := mine[o.Topic][o.Partition]; ok {
				group.Offsets = append(group.Offsets, Offset{
					Topic: o.Topic, ID: id, Partition: o.Partition, Offset: o.Offset, Metadata: o.Metadata, At: *g.AsOf,
				})
			}
		}
	}
}

func (x *assembly) unread(e documents.Entry, g signed.MarkGroup, group *Group) {
	if g.Unread == "" {
		return
	}
	if group.Unread == "" {
		group.Unread = g.Unread
	}
	if g.AsOf == nil {
		x.warn("group %s could not be read at %s, and was not before: %s", g.Group, moment(e.At), g.Unread)
		return
	}
	x.warn("group %s could not be read at %s; its offsets are those of %s: %s", g.Group, moment(e.At), moment(*g.AsOf), g.Unread)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// mark sorts what was put together.
func (x *assembly) mark(asked time.Time) *Mark {
	m := x.out
	m.Asked = asked
	m.Partitions = slices.SortedFunc(maps.Values(x.parts), func(a, b Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Lineage.String(), b.Lineage.String()), cmp.Compare(a.Number, b.Number))
	})
	for _, name := range slices.Sorted(maps.Keys(x.groups)) {
		g := x.groups[name]
		slices.SortStableFunc(g.Offsets, func(a, b Offset) int {
			return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.ID.String(), b.ID.String()), cmp.Compare(a.Partition, b.Partition))
		})
		m.Groups = append(m.Groups, *g)
	}
	for _, name := range slices.Sorted(maps.Keys(x.shares)) {
		m.Shares = append(m.Shares, x.shares[name])
	}
	return &m
}
