package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Ensure returns nil only when key holds exactly body. It puts it there if the
// name is free. When the name is taken, or the answer to the Put was unclear
// (a time-out, a 5xx after the store had applied it), it looks: the same length
// and CRC-32C, or the same bytes where the store keeps no checksum, is success,
// so a repeated write costs nothing. Other content is a *ConflictError, and a
// name that a delete marker hides but does not free is a *HiddenError. It never
// waits or repeats, but for one Put behind a delete marker.
//
// The lock of an object that was already there is not compared: the date
// stands inside the object, so equal bytes were given the same one.
func Ensure(ctx context.Context, s Store, key string, body []byte, o PutOptions) error {
	err := s.Put(ctx, key, body, o)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return settleTaken(ctx, s, key, body, o)
	case Retryable(err):
		return settleUnclear(ctx, s, key, body, o, err)
	default:
		return err
	}
}

// settleTaken decides about a name that the store calls taken.
func settleTaken(ctx context.Context, s Store, key string, body []byte, o PutOptions) error {
	err := compare(ctx, s, key, body, o)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	hidden, err := findMarker(ctx, s, key)
	if hidden == nil {
		// Without a marker something lags, or was deleted a moment ago.
		return &Error{Op: "put", Key: key, Store: s.Name(), Code: "TakenButAbsent", Retryable: true,
			Err: errors.Join(errors.New("name is taken but holds nothing"), err)}
	}
	return settleHidden(s.Put(ctx, key, body, o), hidden)
}

// settleHidden judges the Put behind a delete marker. With AWS the marker has
// freed the name, if only after our first try; another store may keep it.
func settleHidden(put error, hidden *HiddenError) error {
	if errors.Is(put, fs.ErrExist) {
		return hidden
	}
	return put
}

// findMarker returns the delete marker that is the newest version of key, or
// nil if there is none, with the error that kept it from looking.
func findMarker(ctx context.Context, s Store, key string) (*HiddenError, error) {
	for v, err := range s.Versions(ctx, key) {
		if err != nil || !v.DeleteMarker {
			return nil, err
		}
		return &HiddenError{Key: key, Store: s.Name(), Marker: v.Version}, nil
	}
	return nil, nil
}

// settleUnclear keeps the error of the Put unless the object is there after
// all.
func settleUnclear(ctx context.Context, s Store, key string, body []byte, o PutOptions, put error) error {
	err := compare(ctx, s, key, body, o)
	var conflict *ConflictError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &conflict):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return put
	default:
		return fmt.Errorf("%w; looking for it: %w", put, err)
	}
}

// compare returns nil if key holds body, and a *ConflictError if it holds
// anything else.
func compare(ctx context.Context, s Store, key string, body []byte, o PutOptions) error {
	info, err := s.Stat(ctx, key)
	if err != nil {
		return err
	}
	conflict := &ConflictError{Key: key, Store: s.Name(), WantSize: int64(len(body)), WantCRC32C: o.sum(body),
		HaveSize: info.Size, HaveCRC32C: info.CRC32C}
	switch {
	case info.Size != conflict.WantSize:
		return conflict
	case !info.HasCRC32C:
		return compareBytes(ctx, s, body, conflict)
	case info.CRC32C != conflict.WantCRC32C:
		return conflict
	default:
		return nil
	}
}

func compareBytes(ctx context.Context, s Store, body []byte, conflict *ConflictError) error {
	have, err := s.Get(ctx, conflict.Key)
	if err != nil {
		return err
	}
	if bytes.Equal(have, body) {
		return nil
	}
	conflict.HaveCRC32C = crc32c(have)
	return conflict
}
