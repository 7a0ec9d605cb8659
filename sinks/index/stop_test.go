package index

import (
	"errors"
	"sync/atomic"
	"testing"
)

// TestNoSpace: the index stops before the disk is full, says so,
// and goes on when it is opened with room again.
func TestNoSpace(t *testing.T) {
	var free atomic.Int64
	free.Store(headroom)
	o := opts(t, nil)
	o.Free = func(string) (int64, error) { return free.Load(), nil }
	dir := t.TempDir()
	x := open(t, dir, o)
	put(t, x, entry(orders, 1))
	free.Store(headroom - 1)
	if err := x.Put(t.Context(), entry(orders, 2)); !errors.Is(err, ErrNoSpace) {
		t.Fatalf("got %v", err)
	}
	if x.db != nil {
		t.Fatal("Badger is still open, and writes when it likes")
	}
	free.Store(2 * headroom)
	if _, err := x.Get(t.Context(), entry(orders, 1).Range); !errors.Is(err, ErrNoSpace) {
		t.Fatalf("a stopped index answered: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	free.Store(headroom - 1)
	if _, err := Open(dir, testArchive, o); !errors.Is(err, ErrNoSpace) {
		t.Fatalf("open on a full disk: %v", err)
	}
	free.Store(headroom)
	x = open(t, dir, o)
	if got := bases(t, x, orders, 0); len(got) != 1 {
		t.Fatalf("after the disk was full: %v", got)
	}
}

// TestNoSpaceEverywhere: each call that writes looks first.
func TestNoSpaceEverywhere(t *testing.T) {
	for name, write := range map[string]func(*Index) error{
		"put":    func(x *Index) error { return x.Put(t.Context(), entry(orders, 1)) },
		"delete": func(x *Index) error { return x.Delete(t.Context(), entry(orders, 1).Range) },
		"tail":   func(x *Index) error { return x.SetTail(t.Context(), orders, "a", 1) },
	} {
		free := int64(headroom)
		o := opts(t, nil)
		o.Free = func(string) (int64, error) { return free, nil }
		x := open(t, t.TempDir(), o)
		free--
		if err := write(x); !errors.Is(err, ErrNoSpace) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFreeSpace(t *testing.T) {
	if free, err := freeSpace(t.TempDir()); err != nil || free <= 0 {
		t.Fatalf("%d bytes, %v", free, err)
	}
}
