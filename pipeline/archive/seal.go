package archive

import (
	"fmt"
	"hash/crc32"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// sealer is the state of a partition's open segment. Only the sealer
// goroutine touches it.
type sealer struct {
	writer *segment.Writer // nil while nothing is open
	opened time.Time
	age    *time.Timer
	next   int64        // the first offset that no segment covers yet
	prev   names.Digest // of what ends at the open segment's base
	size   int          // of the last segment: a guess at the next one
	held   int64        // bytes of the budget that the open segment has
}

// sealed is an object on its way to the regions: a segment or a gap.
type sealed struct {
	name   names.Range
	digest names.Digest
	data   []byte
	sum    uint32 // CRC-32C of data
	// segment is nil for a gap.
	segment *segment.Sealed
	retain  time.Time
	memory  int64
	// caughtUp marks the end of a run until caught up; name is empty then.
	caughtUp bool
}

// sealAll takes chunks until the partition is released or dropped.
func (p *partition) sealAll() error {
	s := &p.sealer
	s.age = time.NewTimer(time.Hour)
	s.age.Stop()
	defer s.age.Stop()
	for {
		var err error
		select {
		case c := <-p.chunks:
			err = p.append(c)
			p.fetcher.consumed(p.cursor)
		case <-s.age.C:
			err = p.closeSegment(ByAge)
		case <-p.press:
			err = p.closeSegment(ByPressure)
		case <-p.ours.Done():
			return p.finish()
		}
		if err != nil {
			return err
		}
	}
}

// finish seals what was fetched already: nothing more arrives once the cursor
// is removed.
func (p *partition) finish() error {
	p.fetcher.remove(p.cursor)
	if p.ctx.Err() != nil {
		return nil // dropped: what is left is forgotten
	}
	for len(p.chunks) > 0 {
		if err := p.append(<-p.chunks); err != nil {
			return err
		}
	}
	return p.closeSegment(ByRelease)
}

// append puts a chunk's batches into segments.
func (p *partition) append(c chunk) error {
	defer c.pin.release()
	defer p.copyRest()
	if c.begin != nil {
		p.sealer.next, p.sealer.prev = c.begin.from, c.begin.prev
	}
	for _, b := range c.batches {
		if b.Size() >= p.cfg.Roll.Size { // gets a segment of its own
			if err := p.closeSegment(BySize); err != nil {
				return err
			}
		}
		if err := p.appendBatch(b.Header.BaseOffset, func(w *segment.Writer) error { return w.Lend(b.Header, b.Bytes) }); err != nil {
			return err
		}
		p.sealer.next = b.NextOffset()
		if p.sealer.writer.Size() >= p.cfg.Roll.full() {
			if err := p.closeSegment(BySize); err != nil {
				return err
			}
		}
	}
	if c.gap != nil {
		return p.sealGap(c)
	}
	return p.endChunk(c)
}

// copyRest takes what the open segment still has in the fetch response, before
// that is released.
func (p *partition) copyRest() {
	if w := p.sealer.writer; w != nil {
		w.Settle()
		p.hold(int64(w.Memory()))
	}
}

// endChunk covers the offsets behind the last batch that were aborted or
// compacted away, and closes the segment where the fetcher said so.
func (p *partition) endChunk(c chunk) error {
	if c.next > p.sealer.next {
		if err := p.appendBatch(c.next, func(w *segment.Writer) error { w.Advance(c.next); return nil }); err != nil {
			return err
		}
		p.sealer.next = c.next
	}
	if c.closing == "" {
		return nil
	}
	if err := p.closeSegment(c.closing); err != nil {
		return err
	}
	if c.closing == ByCatchUp {
		return p.send(sealed{caughtUp: true})
	}
	return nil
}

// appendBatch opens a segment if none is, and keeps the budget's count.
func (p *partition) appendBatch(at int64, add func(*segment.Writer) error) error {
	s := &p.sealer
	if s.writer == nil {
		if err := p.open(); err != nil {
			return err
		}
	}
	if err := p.cores.with(func() error { return add(s.writer) }); err != nil {
		return fmt.Errorf("add offset %d to segment: %w", at, err)
	}
	p.hold(int64(s.writer.Memory()))
	return nil
}

// hold tells the budget how much the open segment has now.
func (p *partition) hold(n int64) {
	p.budget.add(n - p.sealer.held)
	p.sealer.held = n
	p.held.Store(n)
}

// open begins a segment at the first offset that none covers yet.
func (p *partition) open() error {
	s := &p.sealer
	page, slot, secret, err := p.secrets.Next()
	if err != nil {
		return fmt.Errorf("take a secret: %w", err)
	}
	s.opened = time.Now()
	h := segment.Header{
		Archive: p.archive, Topic: p.name.Topic, Lineage: p.name.Lineage, Parent: names.RootBranch,
		Partition: p.name.Number, Base: s.next, Page: page, Slot: slot, Writer: p.writer, Created: s.opened,
	}
	if p.cfg.RetainFor > 0 {
		h.RetainUntil = s.opened.Add(p.cfg.RetainFor)
	}
	s.writer, err = segment.NewWriter(h, secret, segment.Options{
		BlockSize: p.cfg.Roll.Block, Compression: p.cfg.Roll.Compression, Filter: p.cfg.Roll.KeyFilter, Fields: p.fields(),
		Buffer: p.buffers.get(p.guess()), Grow: p.buffers.grow, Pool: p.pool,
	})
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	s.age.Reset(p.age)
	return nil
}

// fields are those that the filters of the topic cover, nil for none: of the
// first selection that has any.
func (p *partition) fields() segment.Fields {
	for _, t := range p.cfg.Topics {
		if t.Fields != nil && t.Matches(p.key.Topic) {
			return t.Fields
		}
	}
	return nil
}

// guess is how long the next segment may get: as long as the last one was. The
// first gets a quarter of the partition's even share of the budget, so that it need
// not grow from nothing, copying itself at each step.
func (p *partition) guess() int {
	if p.sealer.size > 0 {
		return p.sealer.size
	}
	share := p.cfg.Memory / int64(4*max(p.count(), 1))
	return int(min(share, int64(p.cfg.Roll.Size)))
}

// closeSegment seals the open segment, if there is one, and hands it to the
// storer. It waits while the storer is behind.
func (p *partition) closeSegment(why Reason) error {
	s := &p.sealer
	if s.writer == nil {
		return nil
	}
	s.age.Stop()
	var out *segment.Sealed
	err := p.cores.with(func() (err error) {
		out, err = s.writer.Close(s.next, s.prev, p.signer)
		return err
	})
	if err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	s.writer, s.prev, s.size = nil, out.Digest, len(out.Data)
	held, memory := s.held, int64(cap(out.Data))
	age := time.Since(s.opened)
	p.tell(func(h *Hooks) { h.sealed(out.Name, why, out.Records, int(out.Footer.Plain), len(out.Data), age) })
	if out.Unread > 0 {
		p.tell(func(h *Hooks) { h.unread(p.key, out.Unread) })
	}
	s.held = 0
	p.held.Store(0)
	p.budget.seal(held, memory) // from here on the bytes are given back by whoever has them
	return p.send(sealed{name: out.Name, digest: out.Digest, data: out.Data, sum: out.CRC32C, segment: out, retain: out.Header.RetainUntil, memory: memory})
}

// sealGap records offsets that were gone before they could be fetched.
func (p *partition) sealGap(c chunk) error {
	if err := p.closeSegment(ByRelease); err != nil {
		return err
	}
	gap := cover.Gap{Archive: p.archive, Partition: p.name, Base: c.gap.base, Next: c.gap.next, Reason: c.gap.reason, At: time.Now().UTC(), Prev: p.sealer.prev}
	name, digest, data, err := cover.SealGap(p.signer, gap)
	if err != nil {
		return fmt.Errorf("seal gap: %w", err)
	}
	p.log.Error("offsets lost", "base", gap.Base, "next", gap.Next, "reason", gap.Reason)
	p.tell(func(h *Hooks) { h.gap(name, gap.Reason) })
	p.sealer.next, p.sealer.prev = gap.Next, digest
	out := sealed{name: name, digest: digest, data: data, sum: crc32c(data)}
	if p.cfg.RetainFor > 0 {
		out.retain = gap.At.Add(p.cfg.RetainFor)
	}
	return p.send(out)
}

// crc32c is the checksum that stores compare bodies with. A segment brings its
// own, made where it was sealed.
func crc32c(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func (p *partition) send(s sealed) error {
	select {
	case p.sealed <- s:
		return nil
	case <-p.ctx.Done():
		p.budget.unseal(s.memory)
		return p.ctx.Err()
	}
}
