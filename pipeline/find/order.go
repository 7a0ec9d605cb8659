package find

import (
	"context"
	"iter"
	"sync"

	"github.com/tidemark-io/tidemark/pipeline/cover"
)

const (
	// partitionsAtOnce and rangesAtOnce bound what is read side by side, and
	// with it the requests under way and the blocks in memory: each range holds
	// one block, and up to four ends of segments.
	partitionsAtOnce = 8
	rangesAtOnce     = 4

	// glancesAtOnce bounds the segments of one partition whose filters are
	// asked side by side. Each holds its end, of some hundred kilobytes.
	glancesAtOnce = 8

	// resultsAhead is how many results wait until those before them were taken.
	resultsAhead = 64
)

// result is one of a hit, an error, and a finding.
type result struct {
	hit     Hit
	err     error
	finding *cover.Finding
}

// emitter takes a result, and reports whether to go on.
type emitter func(result) bool

// inOrder does n pieces of work, some at once, and yields what each emits, in
// the order of the pieces. Nothing runs any more when it has ended. A context
// that ends makes it end early.
func inOrder(ctx context.Context, n, atOnce int, work func(ctx context.Context, i int, emit emitter)) iter.Seq[result] {
	return func(yield func(result) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		outs := make([]chan result, n)
		begin := func(i int) {
			out := make(chan result, resultsAhead)
			outs[i] = out
			running.Go(func() {
				defer close(out)
				work(ctx, i, func(r result) bool { return send(ctx, out, r) })
			})
		}
		for i := range min(n, atOnce) {
			begin(i)
		}
		for i := range n {
			for r := range outs[i] {
				if !yield(r) {
					return
				}
			}
			if i+atOnce < n {
				begin(i + atOnce)
			}
		}
	}
}

func send(ctx context.Context, out chan<- result, r result) bool {
	select {
	case out <- r:
		return true
	case <-ctx.Done():
		return false
	}
}
