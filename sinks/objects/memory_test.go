package objects_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

func TestMemory(t *testing.T) {
	for name, o := range map[string]objects.MemoryOptions{
		"plain": {}, "versions": {Versioning: true}, "lock": {ObjectLock: true},
	} {
		t.Run(name, func(t *testing.T) {
			objectstest.Run(t, func(*testing.T) objects.Store { return objects.NewMemory(o) })
		})
	}
}

// A delete marker frees a name although the version below is locked: that is
// S3's behaviour, and why verify looks at versions.
func TestMemoryDeleteMarkerFreesLockedName(t *testing.T) {
	m := objects.NewMemory(objects.MemoryOptions{ObjectLock: true})
	lock := objects.PutOptions{Mode: objects.LockCompliance, RetainUntil: time.Now().Add(time.Hour)}
	mustPut(t, m, "k", "old", lock)
	if err := m.Hide("k"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Stat(t.Context(), "k"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of a hidden object: %v", err)
	}
	mustPut(t, m, "k", "new", objects.PutOptions{})
	var markers []bool
	for v, err := range m.Versions(t.Context(), "k") {
		if err != nil {
			t.Fatal(err)
		}
		markers = append(markers, v.DeleteMarker)
	}
	if len(markers) != 3 || markers[0] || !markers[1] || markers[2] {
		t.Errorf("delete markers, newest first: %v, want the middle one", markers)
	}
}

func TestMemoryLockEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := objects.NewMemory(objects.MemoryOptions{ObjectLock: true})
		mustPut(t, m, "k", "x", objects.PutOptions{Mode: objects.LockGovernance, RetainUntil: time.Now().Add(time.Hour)})
		info, err := m.Stat(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		if err := m.DeleteVersion(t.Context(), "k", info.Version); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("before the date: %v", err)
		}
		time.Sleep(time.Hour) // the bubble's clock
		if err := m.DeleteVersion(t.Context(), "k", info.Version); err != nil {
			t.Errorf("after the date: %v", err)
		}
	})
}

func mustPut(t testing.TB, s objects.Store, key, body string, o objects.PutOptions) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(body), o); err != nil {
		t.Fatal(err)
	}
}
