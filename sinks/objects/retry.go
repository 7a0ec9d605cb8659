package objects

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/tidemark-io/tidemark/codec/object"
)

// RetryOptions say how often and how long a call is repeated.
type RetryOptions struct {
	// First is the mean of the first wait; 0 is 200 ms. The mean grows by half
	// with every wait, up to Max, 0 being 15 s. Each wait is drawn from half to
	// one and a half of its mean, so that many writers do not come back at once.
	First, Max time.Duration
	// Budget ends the repeating, as the end of the context does; 0 is one
	// minute, which is short enough to fall over to the other region. Negative
	// leaves it to the context alone.
	Budget time.Duration
	// GiveUpOpen ends the repeating when the circuit breaker is open. It is for
	// readers that have another region to ask: the breaker then remembers for
	// them that this one is down.
	GiveUpOpen bool
	// Observer is told of each wait; it may be nil.
	Observer Observer
}

// damagedTries is how often an object is fetched whose checksum is not the
// stored one. What the network garbled comes whole the next time; what is
// damaged where it lies never does, and there is another region to read.
const damagedTries = 3

// Retry repeats calls that end in a Retryable error. That is safe for a Put
// too, because it stores only where nothing is; but the second try may then
// meet the first one's success, and so fs.ErrExist is not always somebody
// else's object. Ensure looks.
func Retry(s Store, o RetryOptions) Store {
	o.First, o.Max = orDefault(o.First, 200*time.Millisecond), orDefault(o.Max, 15*time.Second)
	o.Budget = max(orDefault(o.Budget, time.Minute), 0) // 0 is backoff's "for ever"
	r := &retrier{store: s.Name(), o: o}
	return &around{Store: s, call: r.call}
}

type retrier struct {
	store string
	o     RetryOptions
}

func (r *retrier) call(ctx context.Context, op, _ string, do func(context.Context) (int64, error)) error {
	var last error
	damaged := 0
	try := func() (struct{}, error) {
		_, last = do(ctx)
		if errors.Is(last, object.ErrDamaged) {
			damaged++
		}
		final := !Retryable(last) || damaged == damagedTries || r.o.GiveUpOpen && errors.Is(last, ErrOpen)
		if last != nil && final {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = r.o.First, r.o.Max
	_, err := backoff.Retry(ctx, try, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(r.o.Budget),
		backoff.WithNotify(func(err error, d time.Duration) { r.notify(op, err, d) }))
	if err != nil && ctx.Err() != nil && Retryable(last) {
		return fmt.Errorf("%w while retrying: %w", ctx.Err(), last)
	}
	return err
}

func (r *retrier) notify(op string, err error, wait time.Duration) {
	if r.o.Observer != nil {
		r.o.Observer.Retry(r.store, op, err, wait)
	}
}

// orDefault is v, or d where v was left out.
func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}
