package objects

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// Observer is told what happens. Its methods are called from many goroutines
// and must return at once. Embed NopObserver to implement only some of them.
type Observer interface {
	// Call reports one call to the store itself, after it ended.
	Call(Call)
	// Retry reports that op failed and is tried again after wait.
	Retry(store, op string, err error, wait time.Duration)
	// Breaker reports that the circuit breaker changed its state.
	Breaker(store string, state BreakerState)
	// Cache reports a lookup that could have been a hit, and its bytes.
	Cache(store string, hit bool, bytes int)
}

// Call is one call to a store.
type Call struct {
	// Store is its Name; Op is an operation as in Error.Op.
	Store, Op string
	Duration  time.Duration
	// N is the number of bytes sent or received, or of entries in a list.
	N int64
	// Class is Class of the call's error.
	Class string
}

// NopObserver does nothing.
type NopObserver struct{}

// Call implements Observer.
func (NopObserver) Call(Call) {}

// Retry implements Observer.
func (NopObserver) Retry(string, string, error, time.Duration) {}

// Breaker implements Observer.
func (NopObserver) Breaker(string, BreakerState) {}

// Cache implements Observer.
func (NopObserver) Cache(string, bool, int) {}

// Observe reports each call to s.
func Observe(s Store, to Observer) Store {
	name := s.Name()
	return &around{Store: s, call: func(ctx context.Context, op, _ string, do func(context.Context) (int64, error)) error {
		start := time.Now()
		n, err := do(ctx)
		to.Call(Call{Store: name, Op: op, Duration: time.Since(start), N: n, Class: Class(err)})
		return err
	}}
}

// Class sorts an error into one of a few words that are fit for a metric's
// label: ok, canceled, taken, absent, refused, corrupt, open, invalid,
// retryable or failed.
func Class(err error) string {
	for _, c := range classes {
		if errors.Is(err, c.kind) {
			return c.name
		}
	}
	switch {
	case err == nil:
		return "ok"
	case Retryable(err):
		return "retryable"
	default:
		return "failed"
	}
}

// classes are asked in this order.
var classes = []struct {
	kind error
	name string
}{
	{context.Canceled, "canceled"},
	{fs.ErrExist, "taken"},
	{fs.ErrNotExist, "absent"},
	{fs.ErrPermission, "refused"},
	{ErrCorrupt, "corrupt"},
	{ErrOpen, "open"},
	{fs.ErrInvalid, "invalid"},
}
