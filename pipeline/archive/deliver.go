package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// answer is a partition's part of a fetch response with what belongs to the
// whole: whether the response held any batches at all, and the pin.
type answer struct {
	*kmsg.FetchResponseTopicPartition
	barren bool
	pin    *pin
}

// deliver hands each partition its part, and returns the cursors that moved.
// A partition counts once, however often the broker names it: a cursor's
// channel has room for one answer.
func (f *fetcher) deliver(ctx context.Context, resp *kmsg.FetchResponse, claimed []*cursor, p *pin) map[*cursor]bool {
	find := finder(resp, claimed)
	moved := make(map[*cursor]bool, len(claimed))
	for i := range resp.Topics {
		rt := &resp.Topics[i]
		for j := range rt.Partitions {
			c := find(rt, rt.Partitions[j].Partition)
			if c == nil {
				continue // not asked for
			}
			if _, again := moved[c]; again {
				continue
			}
			before := c.next
			f.take(ctx, c, answer{&rt.Partitions[j], p.bytes == 0 && resp.ThrottleMillis == 0, p})
			moved[c] = c.next != before
		}
	}
	return moved
}

// topicIDsSince is the fetch version that names topics by id (KIP-516).
const topicIDsSince = 13

type idKey struct {
	id        names.TopicID
	partition int32
}

// finder looks up the cursor that a part of the response is about.
func finder(resp *kmsg.FetchResponse, claimed []*cursor) func(*kmsg.FetchResponseTopic, int32) *cursor {
	if resp.Version >= topicIDsSince {
		byID := make(map[idKey]*cursor, len(claimed))
		for _, c := range claimed {
			byID[idKey{c.id, c.key.Partition}] = c
		}
		return func(rt *kmsg.FetchResponseTopic, n int32) *cursor { return byID[idKey{rt.TopicID, n}] }
	}
	byName := make(map[Key]*cursor, len(claimed))
	for _, c := range claimed {
		byName[c.key] = c
	}
	return func(rt *kmsg.FetchResponseTopic, n int32) *cursor { return byName[Key{rt.Topic, n}] }
}

// take moves one cursor on by one answer, or finds out why it cannot.
func (f *fetcher) take(ctx context.Context, c *cursor, a answer) {
	err := kerr.ErrorForCode(a.ErrorCode)
	switch {
	case err == nil && a.DivergingEpoch.EndOffset >= 0 && a.DivergingEpoch.Epoch >= 0:
		f.halt(c, &TruncatedError{Key: c.key, At: a.DivergingEpoch.EndOffset, Fetched: c.next})
	case err == nil:
		f.read(c, a)
	case errors.Is(err, kerr.OffsetOutOfRange):
		f.outOfRange(ctx, c, a)
	case errors.Is(err, kerr.CorruptMessage):
		f.damaged(c, err)
	case kerr.IsRetriable(err), errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID), errors.Is(err, kerr.FencedLeaderEpoch):
		f.again(c, err)
	default:
		f.halt(c, fmt.Errorf("fetch: %w", err))
	}
}

// read takes the batches of an answer without error.
func (f *fetcher) read(c *cursor, a answer) {
	c.stable.Store(a.LastStableOffset)
	ch, err := f.walk(c, a)
	if err == nil && ch.next == c.next && len(a.RecordBatches) == 0 {
		f.barren(c, a, &ch)
	}
	if ch.next > c.next {
		c.next, c.corrupt, c.empty = ch.next, 0, 0
		f.hand(c, ch, a)
	}
	if err != nil {
		f.damaged(c, err)
		return
	}
	f.sound(c)
}

// sound takes back what was reported of a cursor: it has a clean answer.
func (f *fetcher) sound(c *cursor) {
	c.corrupt, c.tries = 0, 0
	if c.halted {
		c.halted = false
		c.tell(func(h *Hooks) { h.stalled(c.key, nil) })
	}
}

// walk goes over the batches header by header, and keeps those that are part
// of the archive. What comes before an error is good.
func (f *fetcher) walk(c *cursor, a answer) (chunk, error) {
	ch := chunk{next: c.next}
	filter := newAborted(a.AbortedTransactions)
	rest := a.RecordBatches
	for len(rest) > 0 && ch.next < c.spans[0].to {
		h, batch, after, err := recordbatch.Next(rest)
		if errors.Is(err, recordbatch.ErrPartial) {
			return ch, f.tooLarge(c, ch, h)
		}
		if err != nil {
			return ch, err
		}
		batch = rest[:len(batch)] // its capacity reaches over the next: blocks are sealed from where they lie
		rest = after
		drop, err := filter.drops(h, batch) // also where it is known: its marker may end an aborted transaction
		if err != nil {
			return ch, err
		}
		if h.NextOffset() <= ch.next {
			continue // a fetch from the middle may begin with what is known
		}
		if h.Size() > int(f.cfg.Fetch.MaxBatchBytes) {
			return ch, &BatchSizeError{Key: c.key, Offset: h.BaseOffset, Size: h.Size(), Limit: int(f.cfg.Fetch.MaxBatchBytes)}
		}
		if !drop {
			ch.batches = append(ch.batches, recordbatch.Batch{Header: h, Bytes: batch})
		}
		ch.next, c.epoch = h.NextOffset(), h.PartitionLeaderEpoch
	}
	return ch, nil
}

// tooLarge tells a last batch that was cut, which is how brokers end an
// answer, from a first batch that does not fit: brokers send that whole, so a
// cut one never will.
func (f *fetcher) tooLarge(c *cursor, ch chunk, h recordbatch.Header) error {
	if ch.next > c.next || h.Length == 0 || h.Size() <= int(f.cfg.Fetch.MaxBatchBytes) {
		return nil
	}
	return &BatchSizeError{Key: c.key, Offset: h.BaseOffset, Size: h.Size(), Limit: int(f.cfg.Fetch.MaxBatchBytes)}
}

// barren moves a cursor over the end of a log where compaction left nothing to
// fetch: the broker had room for more, twice, yet sent no byte to anybody,
// while its last stable offset is ahead.
func (f *fetcher) barren(c *cursor, a answer, ch *chunk) {
	if !a.barren || a.LastStableOffset <= c.next || a.LogStartOffset > c.next {
		c.empty = 0
		return
	}
	if c.empty++; c.empty >= 2 {
		ch.next = min(a.LastStableOffset, c.spans[0].to)
		c.epoch = unknownEpoch
	}
}

// hand gives a chunk to the partition, with the close that belongs behind it.
func (f *fetcher) hand(c *cursor, ch chunk, a answer) {
	lag := max(a.LastStableOffset-c.next, 0)
	c.tell(func(h *Hooks) { h.fetched(c.key, len(ch.batches), records(ch.batches), len(a.RecordBatches), lag) })
	ended := c.next >= c.spans[0].to
	switch {
	case ended:
		ch.closing = ByRelease
		c.jump()
	case c.caughtUp():
		ch.closing = ByCatchUp
	}
	if len(ch.batches) > 0 {
		ch.pin = a.pin.take()
	}
	f.put(c, ch)
	if ended {
		f.put(c, c.first())
	}
}

// put never waits: a cursor is fetched for only while its channel has room for
// two more. What comes for a removed cursor is dropped.
func (f *fetcher) put(c *cursor, ch chunk) {
	f.mu.Lock()
	removed := c.removed
	if !removed {
		c.chunk <- ch
	}
	f.mu.Unlock()
	if removed {
		ch.pin.release() // may run a hook: not under the lock
	}
}

func records(batches []recordbatch.Batch) (n int64) {
	for i := range batches {
		n += int64(batches[i].Count)
	}
	return n
}

// damaged fetches again, for the leader may have moved to a sound replica, and
// stops the partition when that does not help.
func (f *fetcher) damaged(c *cursor, err error) {
	c.corrupt++
	passing := errors.Is(err, recordbatch.ErrCorrupt) || errors.Is(err, kerr.CorruptMessage)
	if passing && c.corrupt < corruptTries {
		f.again(c, err)
		return
	}
	if large := (*BatchSizeError)(nil); !errors.As(err, &large) {
		err = fmt.Errorf("topic %s partition %d cannot be read from offset %d on: %w", c.key.Topic, c.key.Partition, c.next, err)
	}
	f.halt(c, err)
}

// again asks anew after a moment, by what the topology knows then. Errors that
// do not pass are reported, once.
func (f *fetcher) again(c *cursor, err error) {
	c.rest = time.Now().Add(retryFirst)
	f.topology.refresh()
	if c.tries++; c.tries == quietTries {
		f.report(c, fmt.Errorf("fetch: %w", err))
	}
}

// halt stops one partition, visibly, and looks again after a while. It never
// moves the cursor.
func (f *fetcher) halt(c *cursor, err error) {
	c.rest = time.Now().Add(stoppedFor)
	f.report(c, err)
}

func (f *fetcher) report(c *cursor, err error) {
	c.halted = true
	f.log.Error("partition stopped", "topic", c.key.Topic, "partition", c.key.Partition, "offset", c.next, "error", err)
	c.tell(func(h *Hooks) { h.stalled(c.key, err) })
}
