package objects

import (
	"context"
	"errors"
	"time"
)

// DefaultTimeout bounds one call: 16 MiB need 2.2 Mbit/s to pass in it.
const DefaultTimeout = time.Minute

// Timeout ends a call that takes longer than limit, 0 being DefaultTimeout,
// with a Retryable error of CodeTimeout. A list is not bounded: the time its
// reader takes counts in it.
func Timeout(s Store, limit time.Duration) Store {
	limit = orDefault(limit, DefaultTimeout)
	name := s.Name()
	call := func(ctx context.Context, op, key string, do func(context.Context) (int64, error)) error {
		if op == "list" {
			_, err := do(ctx)
			return err
		}
		inner, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		_, err := do(inner)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return &Error{Op: op, Key: key, Store: name, Code: CodeTimeout, Retryable: true, Err: err}
		}
		return err
	}
	return &around{Store: s, call: call}
}
