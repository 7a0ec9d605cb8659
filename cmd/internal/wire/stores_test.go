package wire

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

// A store that cannot lock is refused before archiving begins, with
// what to do about it, and so is one that ignores If-None-Match under a lock.
func TestCheckStores(t *testing.T) {
	dir, err := objects.OpenDir(t.TempDir(), objects.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	mute := objectstest.NewS3(t, objectstest.S3Options{ObjectLock: true})
	mute.Fault(objectstest.Answer(http.MethodGet, http.StatusForbidden, "AccessDenied"))
	bucket := func(o objectstest.S3Options) objects.Store { return objectstest.NewS3(t, o).Open(t) }
	for name, c := range map[string]struct {
		store objects.Store
		lock  objects.LockMode
		want  string // "" is fit
	}{
		"directory":              {dir, objects.LockNone, ""},
		"directory, lock":        {dir, objects.LockGovernance, "set retention.mode to none"},
		"bucket, no lock wanted": {bucket(objectstest.S3Options{}), objects.LockNone, ""},
		"bucket without lock":    {bucket(objectstest.S3Options{Versioning: true}), objects.LockCompliance, "made with Object Lock"},
		"bucket with lock":       {bucket(objectstest.S3Options{ObjectLock: true}), objects.LockCompliance, ""},
		"bucket that is mute":    {mute.Open(t), objects.LockGovernance, "grant s3:GetBucketObjectLockConfiguration"},
		"conditions ignored":     {bucket(objectstest.S3Options{Versioning: true, IgnoreConditions: true}), objects.LockNone, ""},
		"and locked":             {bucket(objectstest.S3Options{ObjectLock: true, IgnoreConditions: true}), objects.LockGovernance, "use a store with conditional writes"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Archive{Log: slog.New(slog.DiscardHandler), Regions: []*Region{{Name: "a", Data: c.store, lock: c.lock}}}
			err := a.CheckStores(t.Context())
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrStore) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// A region that does not answer is no reason to stop: the other goes on.
func TestCheckStoresGoesOnWithoutARegion(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{})
	server.Fault(objectstest.Answer(http.MethodGet, http.StatusServiceUnavailable, "SlowDown"))
	a := &Archive{Log: slog.New(slog.DiscardHandler), Regions: []*Region{{Name: "a", Data: server.Open(t), lock: objects.LockGovernance}}}
	if err := a.CheckStores(t.Context()); err != nil {
		t.Error(err)
	}
}
