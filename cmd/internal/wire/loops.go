package wire

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/telemetry"
)

// Loop is work that goes on beside the archiver for as long as it runs.
type Loop struct {
	// Name stands in the log.
	Name string
	// Run works until ctx ends, which is after the archiver has stopped: it may
	// take a moment more to write down what came of it. After nil it is not run
	// again; after an error it is, later. It is nil where nothing is to be done.
	Run func(ctx context.Context) error
}

// loops are all loops, as the configuration says. Archiver.Leads tells whether
// it is for this member to do what only one should.
func (a *Archive) loops(x *Archiver, signer *signed.Signer) []Loop {
	captures := telemetry.NewCaptures(a.Registry)
	return []Loop{
		a.marksLoop(x, signer),
		a.schemasLoop(x, signer, captures),
		a.aclsLoop(x, signer, captures),
		a.drillLoop(x, signer),
	}
}

// How long a loop that failed rests: longer each time, from the first on again
// once it has run for longer than the last.
const (
	loopFirst = time.Second
	loopMost  = 5 * time.Minute
)

// RunLoops runs what goes on beside archiving, until ctx ends. A loop that
// fails, or panics, is logged and run again: it never stops archiving.
func (a *Archiver) RunLoops(ctx context.Context) {
	var running sync.WaitGroup
	for _, l := range a.loops {
		if l.Run != nil {
			running.Go(func() { a.runLoop(ctx, l) })
		}
	}
	running.Wait()
}

func (a *Archiver) runLoop(ctx context.Context, l Loop) {
	for wait := loopFirst; ctx.Err() == nil; wait = min(2*wait, loopMost) {
		begun := time.Now()
		err := l.contained(ctx)
		if err == nil {
			return
		}
		a.log.Warn("beside archiving", "loop", l.Name, "error", err)
		if time.Since(begun) > loopMost {
			wait = loopFirst
		}
		rest(ctx, wait)
	}
}

// contained runs the loop and makes a panic in it an error with its stack.
func (l Loop) contained(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return l.Run(ctx)
}

// rest waits for d, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Keeper returns what writes documents into both regions, locked as segments
// are.
func (a *Archive) Keeper(signer *signed.Signer) *documents.Keeper {
	k := &documents.Keeper{Archive: a.Trust.Archive(), Signer: signer, RetainFor: archiveConfig(a.Config).RetainFor}
	for _, r := range a.Regions {
		k.Regions = append(k.Regions, writable{r, nil})
	}
	return k
}
