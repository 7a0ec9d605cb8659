package wire

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/sinks/objects"
)

// Every version goes, and none under a lock.
func TestDelete(t *testing.T) {
	ctx := context.Background()
	now := time.Now()
	store := objects.NewMemory(objects.MemoryOptions{ObjectLock: true, Now: func() time.Time { return now }})
	w := writable{&Region{Name: "a", Data: store, lock: objects.LockCompliance}, nil}
	until := now.Add(time.Hour)
	if err := w.Region.Ensure(ctx, "locked", []byte("x"), until); err != nil {
		t.Fatal(err)
	}
	if err := w.Region.Ensure(ctx, "free", []byte("x"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(ctx, "free"); err != nil {
		t.Error(err)
	}
	if err := w.Delete(ctx, "free"); err != nil {
		t.Errorf("gone already: %v", err)
	}
	if err := w.Delete(ctx, "locked"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("locked: %v", err)
	}
	now = until.Add(time.Second)
	if err := w.Delete(ctx, "locked"); err != nil {
		t.Error(err)
	}
	for _, key := range []string{"free", "locked"} {
		for v, err := range store.Versions(ctx, key) {
			t.Errorf("%s still has %+v, %v", key, v, err)
		}
	}
}
