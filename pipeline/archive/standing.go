package archive

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Standing is how far one of our partitions has come.
type Standing struct {
	// Lineage is the life of the topic that is archived.
	Lineage names.Lineage
	// Partitions is how many the topic has, as last heard.
	Partitions int32
	// Tails are the first offsets that each region does not hold, by its name.
	Tails map[string]int64
	// Stable is the last stable offset of the log as last heard, -1 before the
	// first answer.
	Stable int64
}

// Owned returns the partitions that are ours and have begun, sorted. It may be
// called at any time, and by anybody.
func (a *Archiver) Owned() []Key {
	return slices.SortedFunc(maps.Keys(a.Tails()), compareKeys)
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// Tails returns how far each of our partitions has come that has begun. After
// Run they are those that were ours when it stopped, as they were then.
func (a *Archiver) Tails() map[Key]Standing {
	out := map[Key]Standing{}
	a.mu.Lock()
	maps.Copy(out, a.left)
	a.mu.Unlock()
	for _, p := range a.all() {
		if s, ok := p.standing(); ok {
			out[p.key] = s
		}
	}
	return out
}

// Leads reports whether it is for us to do what one member of the group should:
// we own partition 0 of the first topic, by name, of all that the group reads.
// For a moment of a rebalance nobody may lead, or two may.
func (a *Archiver) Leads() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.group == nil || a.stopping {
		return false
	}
	topics := a.group.GetConsumeTopics()
	return len(topics) > 0 && a.parts[Key{slices.Min(topics), 0}] != nil
}

// standing is not ok before the partition has begun.
func (p *partition) standing() (Standing, bool) {
	if !p.began.Load() {
		return Standing{}, false
	}
	s := Standing{
		Lineage: p.name.Lineage, Partitions: p.topology.partitions(p.key.Topic),
		Tails: map[string]int64{}, Stable: p.cursor.stable.Load(),
	}
	for i, r := range p.regions {
		s.Tails[r.Name()] = p.tails.at(i).Next
	}
	return s, true
}
