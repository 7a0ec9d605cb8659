package groups

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/marks"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// translateAtOnce is how many partitions are read at the same time.
const translateAtOnce = 4

// Options say which groups are restored.
type Options struct {
	// Groups are those to restore, by their archived names; nil is all of the
	// mark.
	Groups []string
	// Rename maps archived names to those on the target.
	Rename map[string]string
}

// Topics are the lives of topics that a restore brings back: what to ask
// [marks.At] for.
func Topics(p *restore.Plan) map[string]names.TopicID {
	out := map[string]names.TopicID{}
	for _, t := range p.Topics {
		out[t.From] = t.ID
	}
	return out
}

// NewPlan says where the groups of a mark go on in what a plan brings back. The
// mark must be of a moment at or before that of the restore. With a nil client
// nothing is said of the target. It writes nothing.
//
// A group that must not be touched is refused in the plan, and is no error.
func NewPlan(ctx context.Context, p *restore.Plan, src restore.Source, m *marks.Mark, client *kgo.Client, o Options) (*Plan, error) {
	if to := p.Request.To; !to.IsZero() && m.At.After(to) {
		return nil, fmt.Errorf("plan consumer groups: the mark is of %s, after the moment, %s", stamp(m.At), stamp(to))
	}
	b := &planner{restore: p, src: src, mark: m, options: o, plan: &Plan{
		Version: planVersion, Restore: p.Digest, Cluster: p.Cluster, Rule: rule, Moment: p.Request.To, Mark: m.At,
		Documents: m.Documents, Shares: m.Shares, Warnings: slices.Clone(m.Warnings), Groups: []Group{},
	}}
	b.collect()
	if err := b.translate(ctx); err != nil {
		return nil, fmt.Errorf("plan consumer groups: %w", err)
	}
	b.warn()
	if client != nil {
		if err := b.plan.inspect(ctx, newTarget(client)); err != nil {
			return nil, fmt.Errorf("plan consumer groups: %w", err)
		}
	}
	d, err := b.plan.sum()
	b.plan.Digest = d
	return b.plan, err
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type planner struct {
	restore *restore.Plan
	src     restore.Source
	mark    *marks.Mark
	options Options
	plan    *Plan
}

// collect takes from the mark what concerns the topics that come back.
func (b *planner) collect() {
	stable := b.stable()
	for _, g := range b.mark.Groups {
		if !b.wants(g.Name) {
			continue
		}
		out := Group{Name: g.Name, Into: b.into(g.Name), Protocol: g.Protocol, Unread: g.Unread, Offsets: []Offset{}}
		for _, o := range g.Offsets {
			t := b.topic(o.Topic, o.ID)
			if t == nil || !b.brings(o.Partition) {
				continue
			}
			out.Offsets = append(out.Offsets, Offset{
				Topic: o.Topic, Into: t.Into, Partition: o.Partition, Committed: o.Offset, Metadata: o.Metadata, At: o.At,
				Lag: lag(stable, o),
			})
		}
		if len(out.Offsets) > 0 || g.Unread != "" && len(g.Offsets) == 0 {
			b.add(out)
		}
	}
	for _, name := range b.options.Groups {
		if !slices.ContainsFunc(b.plan.Groups, func(g Group) bool { return g.Name == name }) {
			b.add(Group{Name: name, Into: b.into(name), Offsets: []Offset{}, Refusal: b.missing(name)})
		}
	}
	slices.SortStableFunc(b.plan.Groups, func(x, y Group) int { return cmp.Compare(x.Name, y.Name) })
}

// add refuses a second group under one name on the target.
func (b *planner) add(g Group) {
	for _, other := range b.plan.Groups {
		if other.Into == g.Into && g.Refusal == "" {
			g.Refusal = fmt.Sprintf("groups %s and %s would both become %s", other.Name, g.Name, g.Into)
		}
	}
	if len(g.Offsets) == 0 && g.Refusal == "" {
		g.Refusal = fmt.Sprintf("it could not be read at the mark, and was not before (%s): choose a moment of another mark, or leave the group out", g.Unread)
	}
	b.plan.Groups = append(b.plan.Groups, g)
}

func (b *planner) missing(name string) string {
	if slices.ContainsFunc(b.mark.Shares, func(s marks.ShareGroup) bool { return s.Name == name }) {
		return "it is a share group, whose position is not kept"
	}
	return fmt.Sprintf("the mark of %s has no offset of it in the topics that come back: see `tidemark marks --groups`, and marks.groups in the configuration", stamp(b.mark.At))
}

func (b *planner) wants(name string) bool {
	return b.options.Groups == nil || slices.Contains(b.options.Groups, name)
}

func (b *planner) into(name string) string {
	if into, ok := b.options.Rename[name]; ok {
		return into
	}
	return name
}

// topic is nil for one that does not come back, or another life of it.
func (b *planner) topic(name string, id names.TopicID) *restore.TopicPlan {
	for i := range b.restore.Topics {
		if t := &b.restore.Topics[i]; t.From == name && t.ID == id {
			return t
		}
	}
	return nil
}

func (b *planner) brings(partition int32) bool {
	only := b.restore.Request.Partitions
	return len(only) == 0 || slices.Contains(only, partition)
}

type place struct {
	topic     string
	id        names.TopicID
	partition int32
}

// stable are the last stable offsets at the mark.
func (b *planner) stable() map[place]int64 {
	out := map[place]int64{}
	for _, p := range b.mark.Partitions {
		out[place{p.Topic, p.Lineage.Topic, p.Number}] = p.Stable
	}
	return out
}

func lag(stable map[place]int64, o marks.Offset) int64 {
	end, ok := stable[place{o.Topic, o.ID, o.Partition}]
	if !ok || end < 0 {
		return -1
	}
	return max(end-o.Offset, 0)
}

// translate asks once for all groups of a partition.
func (b *planner) translate(ctx context.Context) error {
	type at struct {
		topic     string
		partition int32
	}
	all := map[at][]*Offset{}
	for i := range b.plan.Groups {
		for j := range b.plan.Groups[i].Offsets {
			o := &b.plan.Groups[i].Offsets[j]
			all[at{o.Topic, o.Partition}] = append(all[at{o.Topic, o.Partition}], o)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(translateAtOnce)
	var mu sync.Mutex
	for where, list := range all {
		g.Go(func() error {
			offsets := make([]int64, len(list))
			for i, o := range list {
				offsets[i] = o.Committed
			}
			found, err := b.restore.Translate(ctx, b.src, where.topic, where.partition, offsets)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for i, o := range list {
				o.Target, o.Clamped = found[i].Target, found[i].Clamp
			}
			return nil
		})
	}
	return g.Wait()
}

// warn says what is not exact.
func (b *planner) warn() {
	say := func(format string, args ...any) {
		b.plan.Warnings = append(b.plan.Warnings, fmt.Sprintf(format, args...))
	}
	counts := map[restore.Clamp]int{}
	for _, g := range b.plan.Groups {
		for _, o := range g.Offsets {
			counts[o.Clamped]++
		}
	}
	if n := counts[restore.ClampEnd]; n > 0 {
		say("%d committed offsets lie past the end of what comes back: those groups go on at the end, and read nothing again", n)
	}
	if n := counts[restore.ClampStart]; n > 0 {
		say("%d committed offsets lie before the archive: those groups go on at the beginning of what comes back", n)
	}
	if n := len(b.plan.Shares); n > 0 {
		say("%d share groups are not restored: their positions are not kept", n)
	}
}

// ErrTargetGroup marks a group on the target that is not what it must be.
var ErrTargetGroup = errors.New("the group on the target is not fit")
