package objectstest

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"sync"

	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

// Effect is what a fault does to a call.
type Effect int

const (
	// FailBefore answers 500 and does nothing.
	FailBefore Effect = iota
	// FailAfter does it and answers 500.
	FailAfter
	// TakenAfter does it and answers that the name is taken, as a client that
	// repeats its own PUT reports.
	TakenAfter
	// Conflict answers 409 ConditionalRequestConflict and does nothing.
	Conflict
	// SlowDown answers 503 and does nothing.
	SlowDown
	// Forbid answers 403 and does nothing.
	Forbid
	// Truncate stores all but the last byte, or returns it, without a word.
	Truncate
	// ShortBody answers that the body was cut off.
	ShortBody
	// LeaveOut leaves the key out of lists.
	LeaveOut
	// Damage answers that the bytes do not have their stored checksum.
	Damage
	// Hang waits for the end of the context.
	Hang
)

var effectWords = [...]string{"answers 500", "is applied and answers 500", "is applied and answers 412",
	"answers 409", "answers 503", "answers 403", "loses the last byte", "is cut off", "leaves the key out",
	"has another checksum", "hangs"}

// String says what the effect does.
func (e Effect) String() string { return effectWords[e] }

// Fault says which calls go wrong, and how.
type Fault struct {
	// Op is an operation as in objects.Error; empty is every one.
	Op string
	// Key is a pattern for path.Match on the key's last part; empty is every
	// key.
	Key string
	// Skip lets so many matching calls pass first; Times ends the fault after
	// so many, 0 never.
	Skip, Times int
	Do          Effect
}

// String is the fault as a sentence.
func (f Fault) String() string {
	op, key, often := f.Op, f.Key, "every time"
	if op == "" {
		op = "every call"
	}
	if key == "" {
		key = "any key"
	}
	if f.Times > 0 {
		often = fmt.Sprintf("%d times", f.Times)
	}
	return fmt.Sprintf("%s on %s %s, %s, after %d that pass", op, key, f.Do, often, f.Skip)
}

// Faulty is a store on which some calls go wrong: put, get, readat, stat, list
// and delete. The first fault that matches a call takes it.
type Faulty struct {
	objects.Store

	mu     sync.Mutex
	faults []Fault
	calls  map[string]int
}

// NewFaulty wraps s.
func NewFaulty(s objects.Store, faults ...Fault) *Faulty {
	return &Faulty{Store: s, faults: faults, calls: map[string]int{}}
}

// Set replaces the faults: none makes the store well again.
func (f *Faulty) Set(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
}

// Calls returns how often op was called.
func (f *Faulty) Calls(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// take finds the effect on a call and counts both. none is true for a call
// that goes well.
func (f *Faulty) take(op, key string) (do Effect, none bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[op]++
	for i := range f.faults {
		fault := &f.faults[i]
		if !fault.matches(op, key) || fault.Times < 0 {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
			continue
		}
		if fault.Times == 1 {
			fault.Times = -1 // used up
		} else if fault.Times > 1 {
			fault.Times--
		}
		return fault.Do, false
	}
	return 0, true
}

func (f *Fault) matches(op, key string) bool {
	if f.Op != "" && f.Op != op {
		return false
	}
	ok, err := path.Match(f.Key, path.Base(key))
	return f.Key == "" || ok && err == nil
}

// fail is the error of an effect, as the S3 store reports it; nil for effects
// on the data.
func (f *Faulty) fail(ctx context.Context, do Effect, op, key string) error {
	e := &objects.Error{Op: op, Key: key, Store: f.Name()}
	switch do {
	case FailBefore, FailAfter:
		e.Code, e.Retryable = "InternalError", true
	case SlowDown:
		e.Code, e.Retryable = "SlowDown", true
	case Conflict:
		e.Code, e.Retryable = "ConditionalRequestConflict", true
	case Forbid:
		e.Code, e.Kind = "AccessDenied", fs.ErrPermission
	case TakenAfter:
		e.Code, e.Kind = "PreconditionFailed", fs.ErrExist
	case ShortBody:
		e.Code, e.Kind, e.Retryable = objects.CodeShortBody, objects.ErrCorrupt, true
	case Damage:
		e.Code, e.Kind, e.Retryable, e.Err = objects.CodeChecksum, objects.ErrCorrupt, true, object.ErrDamaged
	case Hang:
		<-ctx.Done()
		return ctx.Err()
	default:
		return nil
	}
	return e
}

// Put implements objects.Writer.
func (f *Faulty) Put(ctx context.Context, key string, body []byte, o objects.PutOptions) error {
	do, none := f.take("put", key)
	switch {
	case none:
		return f.Store.Put(ctx, key, body, o)
	case do == Truncate:
		return f.Store.Put(ctx, key, body[:max(len(body)-1, 0)], o)
	case do == FailAfter || do == TakenAfter:
		if err := f.Store.Put(ctx, key, body, o); err != nil {
			return err
		}
	}
	return f.fail(ctx, do, "put", key)
}

// Get implements objects.Reader.
func (f *Faulty) Get(ctx context.Context, key string) ([]byte, error) {
	do, none := f.take("get", key)
	if !none && do != Truncate {
		return nil, f.fail(ctx, do, "get", key)
	}
	body, err := f.Store.Get(ctx, key)
	if !none && err == nil {
		body = body[:max(len(body)-1, 0)]
	}
	return body, err
}

// ReadAt implements objects.Reader. Truncated bytes come as zeros, since a
// short count would be seen.
func (f *Faulty) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	do, none := f.take("readat", key)
	if !none && do != Truncate {
		return 0, f.fail(ctx, do, "readat", key)
	}
	n, err := f.Store.ReadAt(ctx, key, p, off)
	if !none && n > 0 {
		p[n-1] = 0
	}
	return n, err
}

// Stat implements objects.Reader.
func (f *Faulty) Stat(ctx context.Context, key string) (object.Info, error) {
	if do, none := f.take("stat", key); !none {
		return object.Info{}, f.fail(ctx, do, "stat", key)
	}
	return f.Store.Stat(ctx, key)
}

// List implements objects.Reader. A fault that fails comes in place of the
// first key that it matches, so that a list can break off in the middle.
func (f *Faulty) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		for info, err := range f.Store.List(ctx, prefix, after) {
			do, none := f.take("list", info.Key)
			switch {
			case err != nil:
			case !none && do == LeaveOut:
				continue
			case !none:
				err = f.fail(ctx, do, "list", prefix)
			}
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

// DeleteVersion implements objects.Deleter.
func (f *Faulty) DeleteVersion(ctx context.Context, key, version string) error {
	do, none := f.take("delete", key)
	if none || do == FailAfter {
		if err := f.Store.DeleteVersion(ctx, key, version); err != nil || none {
			return err
		}
	}
	return f.fail(ctx, do, "delete", key)
}
