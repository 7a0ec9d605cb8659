package index

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/tidemark-io/tidemark/codec/names"
)

func TestPutGetDelete(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	want := entry(orders, 3)
	want.Prev = names.Digest{9}
	put(t, x, want)
	got, err := x.Get(t.Context(), want.Range)
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
	}
	for range 2 {
		if err := x.Delete(t.Context(), want.Range); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.Get(t.Context(), want.Range); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("after Delete: %v", err)
	}
}

// TestPutMerges: what is learnt of one region does not make the other
// forgotten.
func TestPutMerges(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	e := entry(orders, 1)
	put(t, x, e)
	e.Copies = []Copy{{Region: "b", Size: 7}}
	e.Blocks = nil
	put(t, x, e)
	e.Copies = []Copy{{Region: "b", Size: 8, HasPage: true}}
	put(t, x, e)
	got, err := x.Get(t.Context(), e.Range)
	if err != nil {
		t.Fatal(err)
	}
	a, inA := got.In("a")
	b, inB := got.In("b")
	if !inA || !inB || a.Size != 1001 || b.Size != 8 || !b.HasPage || string(got.Blocks) != "blocks of 1" {
		t.Fatalf("got %+v", got)
	}
	if _, in := got.In("c"); in {
		t.Fatal("a copy in a region that was never named")
	}
}

func TestPutRefuses(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	for want, change := range map[string]func(*Entry){
		"digest":                   func(e *Entry) { e.Digest[0]++ },
		"offsets":                  func(e *Entry) { e.Range.Next = e.Range.Base },
		"records":                  func(e *Entry) { e.Records = -1 },
		`copy in region ""`:        func(e *Entry) { e.Copies[0].Region = "" },
		"of -1 bytes":              func(e *Entry) { e.Copies[0].Size = -1 },
		"two copies in region \"a": func(e *Entry) { e.Copies = append(e.Copies, Copy{Region: "a"}) },
		"9 copies":                 func(e *Entry) { e.Copies = make([]Copy, 9) },
	} {
		e := entry(orders, 1)
		change(&e)
		if err := x.Put(t.Context(), entry(orders, 2), e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if got := bases(t, x, orders, 0); len(got) != 0 {
		t.Fatalf("a refused call stored %v", got)
	}
}

func TestPutBlocksBound(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	fits, tooLong := entry(orders, 1), entry(orders, 2)
	fits.Blocks, tooLong.Blocks = make([]byte, MaxBlocks), make([]byte, MaxBlocks+1)
	put(t, x, fits, tooLong)
	for e, want := range map[*Entry]int{&fits: MaxBlocks, &tooLong: 0} {
		if got, err := x.Get(t.Context(), e.Range); err != nil || len(got.Blocks) != want {
			t.Errorf("blocks of %d bytes: %v", len(e.Blocks), err)
		}
	}
}

// TestRange crosses pages, stays in its partition, and begins where it is told.
func TestRange(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	other := orders
	other.Number = 1
	eleven := orders
	eleven.Number = 11
	put(t, x, entries(orders, 0, 2*page+5)...)
	put(t, x, entries(other, 0, 3)...)
	put(t, x, entries(eleven, 0, 3)...)
	got := bases(t, x, orders, 0)
	if len(got) != 2*page+5 || !slices.IsSorted(got) || got[0] != 0 {
		t.Fatalf("%d entries, from %d", len(got), got[0])
	}
	for from, want := range map[int64]int64{20: 20, 21: 30, 29: 30, -5: 0} {
		if got := bases(t, x, orders, from); got[0] != want {
			t.Errorf("from %d begins at %d, want %d", from, got[0], want)
		}
	}
	if got := bases(t, x, other, 0); len(got) != 3 {
		t.Errorf("partition 1 has %v", got)
	}
	put(t, x, entries(orders, 2*page+5, 3*page)...) // the last page is full
	if got := bases(t, x, orders, 0); len(got) != 3*page {
		t.Errorf("%d entries, want %d", len(got), 3*page)
	}
}

// TestRangeAllowsCalls: whoever ranges may use and close the index meanwhile.
func TestRangeAllowsCalls(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	put(t, x, entries(orders, 0, page+1)...)
	n := 0
	var last error
	for e, err := range x.Range(t.Context(), orders, 0) {
		if last = err; err != nil {
			break
		}
		if n++; n == 1 {
			if err := x.Delete(t.Context(), e.Range); err != nil {
				t.Fatal(err)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != page || !errors.Is(last, ErrClosed) {
		t.Fatalf("%d entries, then %v", n, last)
	}
}

func TestTail(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	if _, err := x.Tail(t.Context(), orders, "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before it is set: %v", err)
	}
	for _, offset := range []int64{0, 1 << 40, 5} {
		if err := x.SetTail(t.Context(), orders, "a", offset); err != nil {
			t.Fatal(err)
		}
		if got, err := x.Tail(t.Context(), orders, "a"); err != nil || got != offset {
			t.Fatalf("got %d, %v, want %d", got, err, offset)
		}
	}
	if _, err := x.Tail(t.Context(), orders, "b"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the other region: %v", err)
	}
	if err := x.SetTail(t.Context(), orders, "a\x00b", 1); err == nil {
		t.Fatal("a region with NUL was accepted")
	}
}

// TestReopen: everything is there after a clean close.
func TestReopen(t *testing.T) {
	dir, d := t.TempDir(), damage{}
	x := open(t, dir, opts(t, &d))
	put(t, x, entries(orders, 0, 1000)...)
	if err := x.SetTail(t.Context(), orders, "a", 10000); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	x = open(t, dir, opts(t, &d))
	tail, err := x.Tail(t.Context(), orders, "a")
	if got := bases(t, x, orders, 0); len(got) != 1000 || tail != 10000 || err != nil || d.reason != nil {
		t.Fatalf("%d entries, tail %d, %v, damage %v", len(got), tail, err, d.reason)
	}
}

// TestCloseIsSafe: calls and Close at the same time end in a result or in
// ErrClosed, never in a fault.
func TestCloseIsSafe(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	put(t, x, entries(orders, 0, 500)...)
	var wg sync.WaitGroup
	started := make(chan struct{}, 8)
	for range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				if n == 3 {
					started <- struct{}{}
				}
				err := x.Put(t.Context(), entry(orders, n))
				for _, e := range x.Range(t.Context(), orders, 0) {
					err = errors.Join(err, e)
				}
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 8 {
		<-started
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if _, err := x.Get(t.Context(), entry(orders, 1).Range); !errors.Is(err, ErrClosed) {
		t.Fatalf("after Close: %v", err)
	}
}

// TestCloseWaits: Badger unmaps its files under whoever still reads.
func TestCloseWaits(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	err := x.use(t.Context(), func(*badger.DB) error {
		if x.using.TryLock() {
			x.using.Unlock()
			t.Error("Close could have begun")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPutTogether: writers for two regions of one object do not overwrite
// each other.
func TestPutTogether(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	var wg sync.WaitGroup
	for _, region := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			for n := range 20 {
				e := entry(orders, n)
				e.Copies[0].Region = region
				if err := x.Put(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for n := range 20 {
		if e, err := x.Get(t.Context(), entry(orders, n).Range); err != nil || len(e.Copies) != 4 {
			t.Fatalf("segment %d: %+v, %v", n, e, err)
		}
	}
}

func TestContextEnds(t *testing.T) {
	x := open(t, t.TempDir(), opts(t, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Put(ctx, entry(orders, 1)); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if x.stopped != nil {
		t.Fatal("a cancelled call stopped the index")
	}
}

// TestValueUnderWrongKey: Badger's own checksums would not notice.
func TestValueUnderWrongKey(t *testing.T) {
	dir, d := t.TempDir(), damage{}
	x := open(t, dir, opts(t, &d))
	e, other := entry(orders, 1), entry(orders, 2)
	value, err := e.encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := x.db.Update(func(txn *badger.Txn) error { return txn.Set([]byte(other.Range.String()), value) }); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Get(t.Context(), other.Range); !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v", err)
	}
	if err := x.Put(t.Context(), e); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a damaged index went on: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = open(t, dir, opts(t, &d))
	if got := bases(t, x, orders, 0); len(got) != 0 || !errors.Is(d.reason, ErrDamaged) {
		t.Fatalf("opened again: %v, %v", got, d.reason)
	}
}
