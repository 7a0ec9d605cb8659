package objects_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"testing"

	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

func TestEnsureAfterFaults(t *testing.T) {
	for _, c := range []struct {
		fault objectstest.Fault
		ok    bool
	}{
		{objectstest.Fault{Op: "put", Do: objectstest.FailAfter}, true},
		{objectstest.Fault{Op: "put", Do: objectstest.TakenAfter}, true},
		{objectstest.Fault{Op: "put", Do: objectstest.FailBefore}, false},
		{objectstest.Fault{Op: "put", Do: objectstest.Conflict}, false},
		{objectstest.Fault{Op: "put", Do: objectstest.Forbid}, false},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			m := objects.NewMemory(objects.MemoryOptions{Versioning: true})
			err := objects.Ensure(t.Context(), objectstest.NewFaulty(m, c.fault), "k", []byte("body"), objects.PutOptions{})
			_, stat := m.Stat(t.Context(), "k")
			if (err == nil) != c.ok || (stat == nil) != c.ok {
				t.Errorf("ensure: %v; stored: %v; want success %v", err, stat, c.ok)
			}
		})
	}
}

// A store that kept a truncated upload and called it done is found by
// the next writer.
func TestEnsureTruncatedObject(t *testing.T) {
	m := objects.NewMemory(objects.MemoryOptions{})
	f := objectstest.NewFaulty(m, objectstest.Fault{Op: "put", Do: objectstest.Truncate, Times: 1})
	if err := objects.Ensure(t.Context(), f, "k", []byte("body"), objects.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	var conflict *objects.ConflictError
	err := objects.Ensure(t.Context(), f, "k", []byte("body"), objects.PutOptions{})
	if !errors.As(err, &conflict) || conflict.HaveSize != 3 || conflict.WantSize != 4 || objects.Retryable(err) {
		t.Errorf("ensure over a truncated object: %v", err)
	}
}

// A name that is taken and then shows nothing is neither success nor finding.
func TestEnsureTakenButAbsent(t *testing.T) {
	m := objects.NewMemory(objects.MemoryOptions{})
	f := objectstest.NewFaulty(refuseAll{m})
	err := objects.Ensure(t.Context(), f, "k", []byte("body"), objects.PutOptions{})
	if !objects.Retryable(err) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ensure: %v, want something to retry", err)
	}
}

// A store that keeps a name taken behind a delete marker: a finding with advice,
// at once, through the whole stack; and with the marker gone all is well.
func TestEnsureHiddenName(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{ObjectLock: true, MarkersHoldNames: true})
	s := objects.Stack(server.Open(t), objects.Options{Retry: objects.RetryOptions{First: 1}})
	mustPut(t, s, "k", "body", objects.PutOptions{})
	server.Hide("k")
	before := len(server.Requests())
	err := objects.Ensure(t.Context(), s, "k", []byte("body"), objects.PutOptions{})
	var hidden *objects.HiddenError
	if !errors.As(err, &hidden) || !errors.Is(err, fs.ErrExist) || objects.Retryable(err) {
		t.Fatalf("ensure behind a delete marker: %v, want a HiddenError", err)
	}
	if n := len(server.Requests()) - before; n > 5 || server.Versions("k") != 2 {
		t.Errorf("%d requests and %d versions, want at most 5 and 2", n, server.Versions("k"))
	}
	if err := s.DeleteVersion(t.Context(), "k", hidden.Marker); err != nil {
		t.Fatal(err)
	}
	if err := objects.Ensure(t.Context(), s, "k", []byte("body"), objects.PutOptions{}); err != nil {
		t.Errorf("ensure with the marker deleted, as advised: %v", err)
	}
}

// AWS frees the name: a marker before the write costs nothing, and one that
// comes between the write and the look neither.
func TestEnsureBehindMarker(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{Versioning: true})
	s := server.Open(t)
	mustPut(t, s, "k", "body", objects.PutOptions{})
	for _, late := range []bool{false, true} {
		if !late {
			server.Hide("k")
		}
		var store objects.Store = s
		if late {
			store = &hideAfterPut{S3: s, hide: func() { server.Hide("k") }}
		}
		if err := objects.Ensure(t.Context(), store, "k", []byte("body"), objects.PutOptions{}); err != nil {
			t.Errorf("marker after the first try %v: %v", late, err)
		}
		if _, err := s.Stat(t.Context(), "k"); err != nil {
			t.Errorf("marker after the first try %v: stat: %v", late, err)
		}
	}
}

// hideAfterPut has somebody delete the object behind the first Put's back.
type hideAfterPut struct {
	*objects.S3
	hide func()
}

func (h *hideAfterPut) Put(ctx context.Context, key string, body []byte, o objects.PutOptions) error {
	err := h.S3.Put(ctx, key, body, o)
	if h.hide != nil {
		h.hide()
		h.hide = nil
	}
	return err
}

// Without the permission to list versions nobody knows: worth another try,
// never done.
func TestEnsureCannotLookForMarker(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{Versioning: true, MarkersHoldNames: true})
	s := server.Open(t)
	mustPut(t, s, "k", "body", objects.PutOptions{})
	server.Hide("k")
	server.Fault(objectstest.Answer(http.MethodGet, http.StatusForbidden, "AccessDenied"))
	err := objects.Ensure(t.Context(), s, "k", []byte("body"), objects.PutOptions{})
	if !objects.Retryable(err) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("ensure: %v, want what is missing, to retry", err)
	}
}

// refuseAll calls every name taken.
type refuseAll struct{ *objects.Memory }

func (r refuseAll) Put(_ context.Context, key string, _ []byte, _ objects.PutOptions) error {
	return &objects.Error{Op: "put", Key: key, Kind: fs.ErrExist}
}

// The length counts by itself: a checksum is only 32 bits.
func TestEnsureComparesLength(t *testing.T) {
	m := objects.NewMemory(objects.MemoryOptions{})
	mustPut(t, m, "k", "body", objects.PutOptions{})
	var conflict *objects.ConflictError
	if err := objects.Ensure(t.Context(), longer{m}, "k", []byte("body"), objects.PutOptions{}); !errors.As(err, &conflict) {
		t.Errorf("ensure over a longer object with the same checksum: %v", err)
	}
}

// longer says that every object has one byte more.
type longer struct{ *objects.Memory }

func (l longer) Stat(ctx context.Context, key string) (object.Info, error) {
	info, err := l.Memory.Stat(ctx, key)
	info.Size++
	return info, err
}

// Without a stored checksum the bytes decide.
func TestEnsureWithoutChecksums(t *testing.T) {
	s := objectstest.NewS3(t, objectstest.S3Options{NoChecksums: true}).Open(t)
	for range 2 {
		if err := objects.Ensure(t.Context(), s, "k", []byte("body"), objects.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	var conflict *objects.ConflictError
	if err := objects.Ensure(t.Context(), s, "k", []byte("bodx"), objects.PutOptions{}); !errors.As(err, &conflict) {
		t.Errorf("ensure of other bytes of that length: %v", err)
	}
}

// Over HTTP and with the whole stack: a 500 for a PUT that was applied
// ends in success, and in one version.
func TestEnsureThroughStack(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{ObjectLock: true})
	server.Fault(objectstest.ApplyThenAnswer(http.MethodPut, http.StatusInternalServerError, "InternalError"))
	s := objects.Stack(server.Open(t), objects.Options{Retry: objects.RetryOptions{First: 1}})
	if err := objects.Ensure(t.Context(), s, "k", []byte("body"), objects.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := server.Versions("k"); n != 1 {
		t.Errorf("%d versions, want 1", n)
	}
}
