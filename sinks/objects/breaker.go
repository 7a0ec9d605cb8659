package objects

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// BreakerState is what a circuit breaker lets through.
type BreakerState int

const (
	// BreakerClosed lets every call through.
	BreakerClosed BreakerState = iota
	// BreakerHalfOpen lets one call through, to see whether the store is back.
	BreakerHalfOpen
	// BreakerOpen lets none through.
	BreakerOpen
)

// String returns closed, half-open or open.
func (s BreakerState) String() string { return [...]string{"closed", "half-open", "open"}[s] }

// BreakerOptions say when a store counts as down.
type BreakerOptions struct {
	// Failures in a row open the breaker; 0 is 5.
	Failures uint32
	// Pause is how long it stays open before one call may try; 0 is 10 s.
	Pause time.Duration
	// Observer is told of each change; it may be nil.
	Observer Observer
}

// Breaker answers for a store that is down with ErrOpen, at once, so that no
// caller waits and none of them hammers it. Only failures of the store itself
// count: what is absent, taken, refused or cancelled says that it works.
func Breaker(s Store, o BreakerOptions) Store {
	o.Failures, o.Pause = orDefault(o.Failures, 5), orDefault(o.Pause, 10*time.Second)
	b := gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:         s.Name(),
		Timeout:      o.Pause,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= o.Failures },
		IsSuccessful: func(err error) bool { return !isDown(err) },
		IsExcluded: func(err error) bool {
			return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !isDown(err)
		},
		OnStateChange: func(name string, _, to gobreaker.State) {
			if o.Observer != nil {
				o.Observer.Breaker(name, breakerState(to))
			}
		},
	})
	return &around{Store: s, call: breakerCall(s.Name(), b)}
}

func breakerCall(store string, b *gobreaker.CircuitBreaker[struct{}]) func(context.Context, string, string, func(context.Context) (int64, error)) error {
	return func(ctx context.Context, op, key string, do func(context.Context) (int64, error)) error {
		_, err := b.Execute(func() (struct{}, error) {
			_, err := do(ctx)
			return struct{}{}, err
		})
		if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
			return &Error{Op: op, Key: key, Store: store, Code: CodeOpen, Kind: ErrOpen, Retryable: true,
				Hint: "the store failed several times in a row; it is tried again soon"}
		}
		return err
	}
}

// isDown reports whether err speaks of a store that does not work, and not of
// one object: a write that meets another (409) is none of the store's failures,
// nor are a damaged body or expired credentials, which have a kind. A store that
// asks for fewer calls works, and Gentle gives it what it asks for.
func isDown(err error) bool {
	var e *Error
	if !errors.As(err, &e) || !e.Retryable || e.Kind != nil || isThrottled(err) {
		return false
	}
	switch e.Code {
	case "ConditionalRequestConflict", "OperationAborted", "Conflict":
		return false
	}
	return true
}

func breakerState(s gobreaker.State) BreakerState {
	switch s {
	case gobreaker.StateOpen:
		return BreakerOpen
	case gobreaker.StateHalfOpen:
		return BreakerHalfOpen
	default:
		return BreakerClosed
	}
}
