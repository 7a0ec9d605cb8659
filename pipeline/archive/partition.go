package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

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

	ctx  context.Context // ends when the partition is dropped
	drop context.CancelFunc
	// ours ends when the partition is released or dropped. release asks to
	// store and commit what is there, and to end; done tells when.
	ours    context.Context
	release context.CancelFunc

	done   chan struct{} // closed when both goroutines have ended
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
	failed   atomic.Bool
	renewing atomic.Bool
	// gone is true while Kafka does not know the topic.
	gone  atomic.Bool
	tails tails

	givenUp   bool // guarded by Archiver.mu: nothing takes its place from within
	forgotten bool // guarded by commits.mu: nothing more is committed for it

	telling sync.Mutex
	silent  bool // guarded by telling

	sealer sealer
}

func newPartition(a *Archiver, k Key) *partition {
	ctx, drop := context.WithCancel(a.ctx)
	ours, release := context.WithCancel(ctx)
	return &partition{
		Archiver: a, key: k,
		log: a.log.With("topic", k.Topic, "partition", k.Partition),
		ctx: ctx, drop: drop, ours: ours, release: release,
		done: make(chan struct{}), press: make(chan struct{}, 1),
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

// tell passes news of the partition on, unless it was given up: late news
// would be an alarm that nobody ever takes back.
func (p *partition) tell(hook func(*Hooks)) {
	p.telling.Lock()
	defer p.telling.Unlock()
	if !p.silent {
		hook(&p.hooks)
	}
}

// hush ends the partition's news. When it returns none is under way.
func (p *partition) hush() {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.silent = true
}

func (p *partition) stalled(err error) {
	p.tell(func(h *Hooks) { h.stalled(p.key, err) })
}

// abandon stops the partition at an error that trying again with the same
// bytes would not mend. Its offsets are not committed, so nothing is lost:
// after a rest it begins anew at the regions' tail.
func (p *partition) abandon(err error) {
	if p.ctx.Err() != nil {
		p.log.Debug("partition ended", "error", err)
		return
	}
	p.failed.Store(true)
	p.log.Error("partition stopped", "error", err)
	p.stalled(err)
	p.drop()
	p.running.Go(func() {
		if pause(p.Archiver.ctx, stoppedFor) {
			<-p.done
			p.replace(p)
		}
	})
}

// await waits until a released partition has ended, and drops it when ctx ends
// before. It reports whether everything is stored.
func (p *partition) await(ctx context.Context) bool {
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
	}
	select {
	case <-p.done:
		return true
	default:
	}
	p.drop()
	<-p.done
	return false
}

// miss reports that Kafka does not know the topic, and that it does again. What
// is open is stored all the same.
func (p *partition) miss(err error) {
	gone := errors.Is(err, kerr.UnknownTopicOrPartition)
	if p.gone.Swap(gone) == gone {
		return
	}
	if gone {
		p.log.Error("topic is gone", "error", err)
	} else {
		err = nil
	}
	p.stalled(err)
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
			p.budget.unseal(s.memory)
		default:
			p.budget.add(-p.held.Swap(0))
			return
		}
	}
}

// begin finds out where to go on and registers with the fetcher. It tries for
// as long as it takes, and reports whether there is anything to do. Nothing
// was fetched yet, so that a release ends it at once.
func (p *partition) begin() bool {
	for wait := retryFirst; ; wait = min(2*wait, retryMost) {
		err := p.tryBegin(p.ours)
		if err == nil {
			p.stalled(nil)
			return true
		}
		if p.ours.Err() != nil {
			return false
		}
		p.log.Warn("find where to start", "error", err)
		p.stalled(err)
		p.topology.refresh()
		if !pause(p.ours, wait) {
			return false
		}
	}
}
