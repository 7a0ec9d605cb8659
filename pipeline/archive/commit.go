package archive

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commits writes the group's offsets: always the last step, always the lower
// tail, with the digest of what ends there as a witness. A refused commit is a
// hint that the group has moved on; an accepted one proves nothing.
type commits struct {
	log    *slog.Logger
	commit func(ctx context.Context, offsets map[string]map[int32]kgo.EpochOffset, done onCommit)
	// turn is held from reading the tails to the group's answer: an older
	// offset must not land behind a newer one, nor behind a partition's end.
	turn chan struct{}

	mu    sync.Mutex
	dirty map[*partition]bool
	last  map[Key]int64 // what was committed, by us
}

// onCommit is called once a commit is answered.
type onCommit = func(*kgo.Client, *kmsg.OffsetCommitRequest, *kmsg.OffsetCommitResponse, error)

// offer is what one commit holds.
type offer struct {
	offsets map[string]map[int32]kgo.EpochOffset
	digests map[Key]string
	of      map[Key]*partition
}

// note remembers that a partition's tail has moved.
func (c *commits) note(p *partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.forgotten {
		c.dirty[p] = true
	}
}

// run commits now and then until ctx ends.
func (c *commits) run(ctx context.Context) {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := c.flushAll(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("commit group offsets", "error", err)
		}
	}
}

// flushAll commits for every partition whose tail has moved.
func (c *commits) flushAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	return c.inTurn(ctx, func() []*partition { return slices.Collect(maps.Keys(c.dirty)) })
}

// flush commits the lower tails of partitions that we own, now. It returns nil
// if the group took them all.
func (c *commits) flush(ctx context.Context, ps []*partition) error {
	return c.inTurn(ctx, func() []*partition { return ps })
}

func (c *commits) inTurn(ctx context.Context, pick func() []*partition) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	o := c.collect(pick)
	if len(o.of) == 0 {
		return nil
	}
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		witness(req, o.digests)
		return nil
	})
	var failed error
	c.commit(ctx, o.offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = c.settle(o, resp, err)
	})
	if failed != nil {
		for _, p := range o.of {
			c.note(p) // once more with the next commit
		}
	}
	return failed
}

// collect takes the partitions whose lower tail is ahead of the last commit.
func (c *commits) collect(pick func() []*partition) offer {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := offer{offsets: map[string]map[int32]kgo.EpochOffset{}, digests: map[Key]string{}, of: map[Key]*partition{}}
	for _, p := range pick() {
		delete(c.dirty, p)
		if p.forgotten || !p.tails.known() {
			continue
		}
		low := p.tails.lower()
		if low.Next <= c.last[p.key] {
			continue
		}
		if o.offsets[p.key.Topic] == nil {
			o.offsets[p.key.Topic] = map[int32]kgo.EpochOffset{}
		}
		o.offsets[p.key.Topic][p.key.Partition] = kgo.EpochOffset{Epoch: -1, Offset: low.Next}
		o.digests[p.key] = p.name.Lineage.String() + " " + low.Digest.String()
		o.of[p.key] = p
	}
	return o
}

// settle remembers what the group took, and returns the last refusal.
func (c *commits) settle(o offer, resp *kmsg.OffsetCommitResponse, err error) error {
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			if code := kerr.ErrorForCode(rp.ErrorCode); code != nil {
				err = fmt.Errorf("%s/%d: %w", rt.Topic, rp.Partition, code)
				continue
			}
			k := Key{rt.Topic, rp.Partition}
			if p := o.of[k]; p != nil && !p.forgotten {
				c.last[k] = o.offsets[k.Topic][k.Partition].Offset
			}
		}
	}
	return err
}

// forget drops what is known of a partition that we gave up: its next owner
// may commit a lower offset, and then so may we.
func (c *commits) forget(p *partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.forgotten {
		p.forgotten = true
		delete(c.dirty, p)
		delete(c.last, p.key)
	}
}

// witness puts lineage and digest into the metadata of a commit, as
// "tidemark/1 <lineage> <digest>": some 100 of the 4,096 bytes that a broker
// allows.
func witness(req *kmsg.OffsetCommitRequest, digests map[Key]string) {
	for i := range req.Topics {
		rt := &req.Topics[i]
		for j := range rt.Partitions {
			if d, ok := digests[Key{rt.Topic, rt.Partitions[j].Partition}]; ok {
				rt.Partitions[j].Metadata = kmsg.StringPtr("tidemark/1 " + d)
			}
		}
	}
}
