package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// errNoTopicID is about brokers before Kafka 2.8, or a cluster that was
// upgraded and not yet finalized.
var errNoTopicID = errors.New("the brokers give this topic no id (KIP-516): without one, a topic that was deleted and made again cannot be told from the old one; upgrade the cluster")

// tryBegin reads where to go on off the regions and registers with the
// fetcher. The group's offset plays no part.
func (p *partition) tryBegin(ctx context.Context) error {
	id, err := p.topology.await(ctx, p.key)
	if err != nil {
		return err
	}
	if id.IsZero() {
		return errNoTopicID
	}
	select {
	case p.starts <- struct{}{}:
		defer func() { <-p.starts }()
	case <-ctx.Done():
		return ctx.Err()
	}
	p.name = names.Partition{Topic: p.key.Topic, Lineage: names.Lineage{Topic: id, Branch: names.RootBranch}, Number: p.key.Partition}
	t, err := p.catalogue.Tails(ctx, p.name)
	if err != nil {
		return fmt.Errorf("find the tails of %s: %w", p.name, err)
	}
	c, err := p.place(ctx, t)
	if err != nil {
		return err
	}
	p.adopt(t, c)
	return nil
}

// place makes the cursor: a span for every hole that Kafka can still fill, and
// one from the tail on.
func (p *partition) place(ctx context.Context, t cover.Tails) (*cursor, error) {
	start, err := p.offsets.start(ctx, p.key)
	if err != nil {
		return nil, fmt.Errorf("find the start of the log: %w", err)
	}
	c := &cursor{
		key: p.key, id: p.name.Lineage.Topic, chunk: p.chunks, tell: p.tell,
		leader: leader{broker: -1, epoch: -1}, epoch: unknownEpoch, until: endless,
	}
	c.stable.Store(-1)
	for _, h := range t.Holes {
		if h.Base < start {
			p.log.Error("hole in the archive that Kafka can no longer fill", "base", h.Base, "next", h.Next, "log_start", start)
		}
		if from := max(h.Base, start); from < h.Next {
			c.spans = append(c.spans, span{from: from, to: h.Next})
		}
	}
	last := span{from: start, to: endless}
	if t.Found {
		last = span{from: t.Next, to: endless, prev: t.Digest}
	}
	c.spans = append(c.spans, last)
	c.next = c.spans[0].from
	if p.cfg.UntilCaughtUp {
		if c.until, err = p.offsets.stable(ctx, p.key); err != nil {
			return nil, fmt.Errorf("find the end of the log: %w", err)
		}
		if c.until < last.from { // nothing would be fetched, so nobody else would notice
			return nil, &TruncatedError{Key: p.key, At: c.until, Fetched: last.from}
		}
	}
	return c, nil
}

// adopt makes tails and cursor the partition's own.
func (p *partition) adopt(t cover.Tails, c *cursor) {
	last := c.spans[len(c.spans)-1]
	list, behind := make([]Tail, len(p.regions)), make([]bool, len(p.regions))
	for i, r := range p.regions {
		list[i] = Tail{Next: last.from}
		if t.Found {
			reg := t.Region(r.Name())
			list[i] = Tail{Next: reg.Next, Digest: reg.Digest}
			behind[i] = reg.Next < t.Next || reg.Err != nil
		}
	}
	p.tails.reset(list, behind)
	for i, r := range p.regions {
		if lacks := t.Region(r.Name()).Lacks; len(lacks) > 0 {
			p.tails.lack(i, lacks[0].Base)
			p.healing.wake()
		}
	}
	p.cursor = c
	p.age = p.ageOf(p.key.Topic)
	p.began.Store(true)
	p.chunks <- c.first()
	p.log.Info("partition begins", "lineage", p.name.Lineage.String(), "offset", c.next, "holes", len(c.spans)-1, "found", t.Found)
	p.compareWithGroup(last.from)
	p.describeSoon()
	if p.index != nil {
		p.index.Begin(p.name)
	}
	for i, r := range p.regions {
		if behind[i] {
			p.tell(func(h *Hooks) { h.behind(p.key, r.Name(), true) })
			p.healing.wake()
		}
	}
	p.fetcher.add(c)
}

// compareWithGroup raises an alarm where the group's offset is ahead of the
// archive: somebody has reset it, or it belongs to another life of the topic.
// The archive wins.
func (p *partition) compareWithGroup(start int64) {
	p.mu.Lock()
	committed, ok := p.witness[p.key]
	p.mu.Unlock()
	if ok && committed > start {
		p.log.Error("group offset is ahead of the archive; going on where the archive ends", "group_offset", committed, "archive", start)
	}
}

// ageOf returns how old an open segment of the topic may get.
func (a *Archiver) ageOf(topic string) time.Duration {
	for _, t := range a.cfg.Topics {
		if t.Age > 0 && t.Matches(topic) {
			return t.Age
		}
	}
	return a.cfg.Roll.Age
}
