package archive

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// partition archives one partition for as long as the group gives it to us.
//
// Two goroutines work for it. The sealer owns everything below "sealer": it
// takes chunks, fills and closes segments. The storer takes what is sealed,
// one after the other, through the durability order. Both end when the
// partition is released (everything stored) or dropped (everything forgotten).
type partition struct {
	*Archiver
	key  Key
	name names.Partition
	log  *slog.Logger

	ctx    context.Context // ends when the partition is dropped
	drop   context.CancelFunc
	done   chan struct{} // closed when both goroutines have ended
	drain  chan struct{} // closed to ask for release
	press  chan struct{} // asks to close the open segment: memory is short
	chunks chan chunk
	sealed chan sealed
	cursor *cursor
	age    time.Duration

	// held is what the open segment keeps in memory, for the choice of the
	// largest under pressure.
	held atomic.Int64
	// idle is true once a run until caught up has nothing more to do here.
	idle atomic.Bool

	// began is true once name, tails and cursor are set.
	began atomic.Bool
	// failed is true once the partition was abandoned.
	failed    atomic.Bool
	renewing  atomic.Bool
	releasing sync.Once
	tails     tails

	sealer sealer
}

func newPartition(a *Archiver, k Key) *partition {
	ctx, cancel := context.WithCancel(a.ctx)
	return &partition{
		Archiver: a, key: k,
		log: a.log.With("topic", k.Topic, "partition", k.Partition),
		ctx: ctx, drop: cancel,
		done: make(chan struct{}), drain: make(chan struct{}), press: make(chan struct{}, 1),
		chunks: make(chan chunk, chunksAhead), sealed: make(chan sealed, segmentsAhead),
	}
}

// run archives the partition until it is released or dropped.
func (p *partition) run() {
	defer close(p.done)
	defer p.drop()
	defer p.forget()
	if !p.begin() {
		return
	}
	p.hooks.owned(p.key, true)
	defer p.hooks.owned(p.key, false)
	stored := make(chan struct{})
	go func() {
		defer close(stored)
		p.contain(p.storeAll)
	}()
	p.contain(p.sealAll)
	close(p.sealed)
	<-stored
}

// contain keeps a panic to its partition: it stops, with its stack in the log,
// and the others go on.
func (p *partition) contain(work func() error) {
	if err := contained(work); err != nil {
		p.abandon(err)
	}
}

// contained runs f and makes a panic in it an error with its stack.
func contained(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// abandon stops the partition at an error that trying again with the same
// bytes would not mend. Its offsets are not committed, so nothing is lost:
// after a rest it begins anew at the regions' tail.
func (p *partition) abandon(err error) {
	if p.ctx.Err() != nil {
		return
	}
	p.failed.Store(true)
	p.log.Error("partition stopped", "error", err)
	p.hooks.stalled(p.key, err)
	p.drop()
	p.running.Go(func() {
		if pause(p.Archiver.ctx, stoppedFor) {
			<-p.done
			p.replace(p)
		}
	})
}

// release asks the partition to store and commit what it has, and to end. It
// returns at once; done tells when.
func (p *partition) release() {
	p.releasing.Do(func() { close(p.drain) })
}

// forget gives back what a dropped partition still held of the budget.
func (p *partition) forget() {
	if p.cursor != nil {
		p.fetcher.remove(p.cursor)
	}
	if p.sealer.writer != nil {
		p.sealer.writer.Discard()
	}
	for {
		select {
		case c := <-p.chunks:
			c.pin.release()
		case s, ok := <-p.sealed:
			if !ok {
				p.sealed = nil
				continue
			}
			p.budget.add(-s.memory)
		default:
			p.budget.add(-p.held.Swap(0))
			return
		}
	}
}

// begin finds out where to go on and registers with the fetcher. It tries for
// as long as it takes, and reports whether there is anything to do.
func (p *partition) begin() bool {
	wait := retryFirst
	for {
		err := p.tryBegin()
		if err == nil {
			return true
		}
		if p.ctx.Err() != nil {
			return false
		}
		p.log.Warn("find where to start", "error", err)
		p.hooks.stalled(p.key, err)
		select {
		case <-p.drain:
			return false
		case <-p.ctx.Done():
			return false
		case <-time.After(wait):
			wait = min(2*wait, retryMost)
		}
	}
}
