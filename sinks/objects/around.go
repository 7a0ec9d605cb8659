package objects

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/tidemark-io/tidemark/codec/object"
)

// around is a Store whose every call on objects runs through call: what retry,
// circuit breaker, time-out and observation have in common.
type around struct {
	Store
	// call runs do, once, several times or not at all, and returns its error.
	// do returns the bytes that went over the wire, or the entries of a list.
	call func(ctx context.Context, op, key string, do func(context.Context) (int64, error)) error
}

// Put implements Writer.
func (a *around) Put(ctx context.Context, key string, body []byte, o PutOptions) error {
	return a.call(ctx, "put", key, func(ctx context.Context) (int64, error) {
		return int64(len(body)), a.Store.Put(ctx, key, body, o)
	})
}

// Get implements Reader.
func (a *around) Get(ctx context.Context, key string) (body []byte, err error) {
	err = a.call(ctx, "get", key, func(ctx context.Context) (int64, error) {
		var err error
		body, err = a.Store.Get(ctx, key)
		return int64(len(body)), err
	})
	return body, err
}

// ReadAt implements Reader. The end of the object is an answer, not an error
// of the call.
func (a *around) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	n, end := 0, false
	err := a.call(ctx, "readat", key, func(ctx context.Context) (int64, error) {
		var err error
		n, err = a.Store.ReadAt(ctx, key, p, off)
		if end = errors.Is(err, io.EOF); end {
			err = nil
		}
		return int64(n), err
	})
	if err == nil && end {
		err = io.EOF
	}
	return n, err
}

// Stat implements Reader.
func (a *around) Stat(ctx context.Context, key string) (info object.Info, err error) {
	err = a.call(ctx, "stat", key, func(ctx context.Context) (int64, error) {
		var err error
		info, err = a.Store.Stat(ctx, key)
		return 0, err
	})
	return info, err
}

// List implements Reader. A call that is run again goes on behind the last key
// that was yielded.
func (a *around) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		last, stopped := after, false
		err := a.call(ctx, "list", prefix, func(ctx context.Context) (n int64, err error) {
			for info, err := range a.Store.List(ctx, prefix, last) {
				if err != nil {
					return n, err
				}
				last = info.Key
				n++
				if !yield(info, nil) {
					stopped = true
					return n, nil
				}
			}
			return n, nil
		})
		if err != nil && !stopped {
			yield(object.Info{}, err)
		}
	}
}

// Versions implements Deleter. It collects the versions, which are few, so
// that a call that is run again yields none of them twice.
func (a *around) Versions(ctx context.Context, key string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		var all []object.Info
		err := a.call(ctx, "versions", key, func(ctx context.Context) (int64, error) {
			all = all[:0]
			for info, err := range a.Store.Versions(ctx, key) {
				if err != nil {
					return int64(len(all)), err
				}
				all = append(all, info)
			}
			return int64(len(all)), nil
		})
		for _, info := range all {
			if !yield(info, nil) {
				return
			}
		}
		if err != nil {
			yield(object.Info{}, err)
		}
	}
}

// DeleteVersion implements Deleter.
func (a *around) DeleteVersion(ctx context.Context, key, version string) error {
	return a.call(ctx, "delete", key, func(ctx context.Context) (int64, error) {
		return 0, a.Store.DeleteVersion(ctx, key, version)
	})
}

// Capabilities implements Inspector.
func (a *around) Capabilities(ctx context.Context) (c Capabilities, err error) {
	err = a.call(ctx, "capabilities", "", func(ctx context.Context) (int64, error) {
		var err error
		c, err = a.Store.Capabilities(ctx)
		return 0, err
	})
	return c, err
}
