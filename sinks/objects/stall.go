package objects

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"
	"time"

	"github.com/tidemark-io/tidemark/codec/object"
)

const (
	// DefaultStall is how long a read may stand still. AWS answers within a
	// second or two even where it retries inside; a store that says nothing for
	// this long says nothing at all.
	DefaultStall = 30 * time.Second

	// stallFloor is what has to arrive within one stall limit, in bytes: with
	// less than this, a body that trickles for ever would pass for one that
	// moves.
	stallFloor = 16 << 10
)

// errStalled is the cause of a context that ended because nothing moved.
var errStalled = errors.New("nothing arrived any more")

// Stall ends a read in which nothing moves for as long as limit, 0 being
// DefaultStall, with a Retryable error of CodeStalled: no answer at all, a body
// of which too few bytes arrive, a list whose next key does not come. Unlike
// Timeout it does not care how long a read takes that moves, so that a slow line
// can be told from a store that hangs. What a caller does with the entries of a
// list does not count. Writes pass: who sends cannot see what arrives.
func Stall(s Store, limit time.Duration) Store {
	w := &stalls{limit: orDefault(limit, DefaultStall), name: s.Name()}
	w.around = &around{Store: s, call: w.call}
	return w
}

type stalls struct {
	*around
	limit time.Duration
	name  string
}

func (s *stalls) call(ctx context.Context, op, key string, do func(context.Context) (int64, error)) error {
	if op == "put" || op == "delete" {
		_, err := do(ctx)
		return err
	}
	w := s.watch(ctx)
	defer w.end()
	_, err := do(w.ctx)
	return s.judge(w, op, key, err)
}

// List implements Reader.
func (s *stalls) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		w := s.watch(ctx)
		defer w.end()
		for info, err := range s.Store.List(w.ctx, prefix, after) {
			w.rests.Store(true) // while the caller is at it
			if !yield(info, s.judge(w, "list", prefix, err)) || err != nil {
				return
			}
			w.move(stallFloor)
			w.rests.Store(false)
		}
	}
}

// judge tells the end of a watch from that of the caller's own context.
func (s *stalls) judge(w *watch, op, key string, err error) error {
	if err == nil || w.parent.Err() != nil || !errors.Is(context.Cause(w.ctx), errStalled) {
		return err
	}
	return &Error{Op: op, Key: key, Store: s.name, Code: CodeStalled, Retryable: true, Err: errStalled}
}

// watch looks once in a limit whether anything moved since.
type watch struct {
	parent, ctx context.Context
	cancel      context.CancelCauseFunc
	limit       time.Duration
	timer       *time.Timer
	moved       atomic.Int64 // bytes, since the last look
	rests       atomic.Bool  // nothing is expected to move
}

type watchKey struct{}

func (s *stalls) watch(ctx context.Context) *watch {
	w := &watch{parent: ctx, limit: s.limit}
	w.ctx, w.cancel = context.WithCancelCause(context.WithValue(ctx, watchKey{}, w))
	w.timer = time.AfterFunc(time.Hour, w.look)
	w.timer.Reset(w.limit) // look uses the timer, so it is started when it is known
	return w
}

func (w *watch) look() {
	if w.moved.Swap(0) < stallFloor && !w.rests.Load() {
		w.cancel(errStalled)
		return
	}
	w.timer.Reset(w.limit)
}

func (w *watch) move(bytes int) { w.moved.Add(int64(bytes)) }

func (w *watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// watched tells the watch in a context, if there is one, of what is read.
func watched(ctx context.Context, r io.Reader) io.Reader {
	if w, ok := ctx.Value(watchKey{}).(*watch); ok {
		return &watchedReader{r, w}
	}
	return r
}

type watchedReader struct {
	io.Reader
	watch *watch
}

// Read implements io.Reader.
func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.watch.move(n)
	return n, err
}
