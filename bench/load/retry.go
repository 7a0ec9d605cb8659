package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
)

// transientError is one after which the same is tried again.
type transientError struct{ err error }

func (e *transientError) Error() string { return e.err.Error() }

func (e *transientError) Unwrap() error { return e.err }

// isTransient reports whether everything that went wrong may go right next
// time.
func isTransient(err error) bool {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			if !isTransient(e) {
				return false
			}
		}
		return true
	}
	var known *transientError
	var network net.Error
	return errors.As(err, &known) || kerr.IsRetriable(err) || errors.As(err, &network) || errors.Is(err, io.EOF) ||
		errors.Is(err, kerr.ConcurrentTransactions) // the last one is still being ended
}

// again repeats a request while its error is transient, for as long as patience
// lasts.
func again(ctx context.Context, what string, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := do(ctx)
		if err == nil {
			return nil
		}
		if !isTransient(err) || wait(ctx, quick) != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}
