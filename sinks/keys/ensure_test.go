package keys

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

var errDown = errors.New("region is down")

// TestEnsureOnce: the hot path makes one PUT a page and one a KEK, however
// many segments ask.
func TestEnsureOnce(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	s := next(t, w)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if err := w.Ensure(t.Context(), "a", s.page); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := r.stores[0].putCount(); got != 2 {
		t.Fatalf("%d PUTs, want the KEK's and the page's", got)
	}
	next(t, w)
	second := next(t, w)
	calls := r.kms[0].count()
	if err := w.Ensure(t.Context(), "a", second.page); err != nil {
		t.Fatal(err)
	}
	if r.stores[0].putCount() != 3 || r.kms[0].count() != calls {
		t.Fatalf("a second page: %d PUTs in all, %d KMS calls", r.stores[0].putCount(), r.kms[0].count()-calls)
	}
}

// TestEnsureKEKFirst: a page whose KEK is not there opens for nobody.
func TestEnsureKEKFirst(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	s := next(t, w)
	r.kms[0].fail(errService)
	if err := w.Ensure(t.Context(), "a", s.page); !errors.Is(err, ErrKMSUnavailable) {
		t.Fatalf("got %v", err)
	}
	if got := r.stores[0].names(""); len(got) != 0 {
		t.Fatalf("without a KMS there is %v", got)
	}
}

// TestEnsureOneKMSDown: at start one region's KMS is down, and the other goes
// on alone.
func TestEnsureOneKMSDown(t *testing.T) {
	for _, aged := range []bool{false, true} { // with a KEK of an earlier process, and without
		r := newRig(t)
		if aged {
			r.sealedPage(t)
		}
		r.kms[0].fail(errService)
		w := r.writer(t)
		s := next(t, w)
		var kms *KMSError
		if err := w.Ensure(t.Context(), "a", s.page); !errors.As(err, &kms) || !kms.Retryable() || kms.Region != "a" {
			t.Fatalf("region a: %v", err)
		}
		if err := w.Ensure(t.Context(), "b", s.page); err != nil {
			t.Fatalf("region b: %v", err)
		}
		r.kms[0].fail(nil)
		if err := w.Ensure(t.Context(), "a", s.page); err != nil {
			t.Fatalf("region a, after the outage: %v", err)
		}
		if got, err := r.ring(0).Secret(t.Context(), s.page, s.slot); err != nil || got != s.secret {
			t.Fatalf("wrong secret or %v", err)
		}
		if len(r.stores[1].names(names.KEKs)) != 1 {
			t.Fatal("the outage of one region made a second KEK")
		}
	}
}

// TestEnsureSealsOnce: two regions that begin at once get the same bytes.
func TestEnsureSealsOnce(t *testing.T) {
	r := newRig(t)
	synctest.Test(t, func(t *testing.T) {
		w := r.writer(t)
		s := next(t, w)
		if err := w.choosing.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, region := range r.regions {
			go func() {
				if err := w.Ensure(t.Context(), region.Name, s.page); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait() // both have found the page unsealed
		w.choosing.leave()
		synctest.Wait()
		if string(r.stores[0].file(t, names.Page(s.page))) != string(r.stores[1].file(t, names.Page(s.page))) {
			t.Error("the page was sealed twice")
		}
	})
}

// hungKeeper answers when its caller gives up, and not before.
type hungKeeper struct{}

func (hungKeeper) Encrypt(ctx context.Context, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (k hungKeeper) Decrypt(ctx context.Context, sealed []byte) ([]byte, error) {
	return k.Encrypt(ctx, sealed)
}

// TestEnsureHungKMS: a KMS that never answers is an outage after kmsWait, and
// holds up the other region's start for regionWait at most.
func TestEnsureHungKMS(t *testing.T) {
	r := newRig(t)
	r.sealedPage(t) // a KEK that region a would have to unwrap
	synctest.Test(t, func(t *testing.T) {
		r.regions[0].Keeper = hungKeeper{}
		w := r.writer(t)
		s := next(t, w)
		began := time.Now()
		if err := w.Ensure(t.Context(), "b", s.page); err != nil {
			t.Errorf("region b: %v", err)
		}
		if took := time.Since(began); took > regionWait {
			t.Errorf("region b waited %s", took)
		}
		began = time.Now()
		var kms *KMSError
		if err := w.Ensure(t.Context(), "a", s.page); !errors.As(err, &kms) || !kms.Retryable() {
			t.Errorf("region a: %v", err)
		}
		if took := time.Since(began); took != kmsWait {
			t.Errorf("region a gave up after %s", took)
		}
	})
}

func TestEnsureOneStoreDown(t *testing.T) {
	r := newRig(t)
	r.stores[0].fail(errDown)
	w := r.writer(t)
	s := next(t, w)
	if err := w.Ensure(t.Context(), "a", s.page); !errors.Is(err, errDown) {
		t.Fatalf("region a: %v", err)
	}
	if err := w.Ensure(t.Context(), "b", s.page); err != nil {
		t.Fatalf("region b: %v", err)
	}
	r.stores[0].fail(nil)
	ensure(t, w, s.page)
	if string(r.stores[0].file(t, names.Page(s.page))) != string(r.stores[1].file(t, names.Page(s.page))) {
		t.Fatal("a retry wrote other bytes")
	}
}

// TestEnsureWrapUndone: a KMS key that may wrap but not unwrap is found out
// before anything depends on it.
func TestEnsureWrapUndone(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	s := next(t, w)
	r.kms[0].noUnwrap = errService
	if err := w.Ensure(t.Context(), "a", s.page); err == nil || !strings.Contains(err.Error(), "check what was wrapped") {
		t.Fatalf("got %v", err)
	}
	if got := r.stores[0].names(""); len(got) != 0 {
		t.Fatalf("stored %v", got)
	}
}

// TestEnsureRace: two processes wrap one KEK for a region that lacks it.
func TestEnsureRace(t *testing.T) {
	r := newRig(t)
	first := r.writer(t)
	s := next(t, first)
	if err := first.Ensure(t.Context(), "a", s.page); err != nil {
		t.Fatal(err)
	}
	second := r.writer(t)
	u := next(t, second)
	if err := second.Ensure(t.Context(), "a", u.page); err != nil {
		t.Fatal(err)
	}
	k := first.pages[s.page].kek
	if second.pages[u.page].kek.id != k.id {
		t.Fatal("the second process made a KEK of its own")
	}
	if err := second.storeKEK(t.Context(), 1, k); err != nil {
		t.Fatal(err)
	}
	// The first does not see it and wraps on its own: another text, the same key.
	if err := first.storeKEK(t.Context(), 1, k); err != nil {
		t.Fatalf("the slower process: %v", err)
	}
	forged := newKEK(r.now)
	forged.id = k.id
	if err := second.storeKEK(t.Context(), 1, forged); !errors.Is(err, ErrWrongKey) {
		t.Fatalf("another key under the same id: %v", err)
	}
}

// TestEnsureForeignKEK: a KEK file copied from the other region is not good
// enough to store pages beside.
func TestEnsureForeignKEK(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	s := next(t, w)
	if err := w.Ensure(t.Context(), "a", s.page); err != nil {
		t.Fatal(err)
	}
	kek := r.stores[0].names(names.KEKs)[0]
	r.stores[1].put(kek, r.stores[0].file(t, kek))
	if err := w.Ensure(t.Context(), "b", s.page); !errors.Is(err, ErrWrongKey) {
		t.Fatalf("got %v", err)
	}
	if got := r.stores[1].names(names.Pages); len(got) != 0 {
		t.Fatalf("stored %v", got)
	}
}

// TestEnsureTakenName: other bytes under the page's name are never success.
func TestEnsureTakenName(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	s := next(t, w)
	r.stores[0].put(names.Page(s.page), []byte("something else"))
	for range 2 {
		if err := w.Ensure(t.Context(), "a", s.page); !errors.Is(err, fs.ErrExist) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestEnsureUnknown(t *testing.T) {
	r := newRig(t)
	s := r.sealedPage(t)
	w := r.writer(t) // another process
	if err := w.Ensure(t.Context(), "a", s.page); err != nil {
		t.Fatalf("a page of another process, there: %v", err)
	}
	if err := w.Ensure(t.Context(), "a", names.PageID{7}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a page of nobody: %v", err)
	}
	if err := w.Ensure(t.Context(), "c", s.page); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a region that is not: %v", err)
	}
}

// TestEnsureForgets: memory stays bounded while a region is down for long,
// and nothing is forgotten that no region has.
func TestEnsureForgets(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	r.stores[0].fail(errDown)
	lost := next(t, w) // in no region
	next(t, w)
	var last names.PageID
	for range maxPending + 50 {
		last = next(t, w).page
		next(t, w)
		if err := w.Ensure(t.Context(), "b", last); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.pages) != maxPending || len(w.order) != maxPending {
		t.Fatalf("%d pages in memory, want %d", len(w.pages), maxPending)
	}
	if w.pages[lost.page] == nil || w.pages[last] == nil {
		t.Fatal("forgot a page that no region has, or the newest before the oldest")
	}
	r.stores[0].fail(nil)
	ensure(t, w, lost.page)
	if got, err := r.ring(0).Secret(t.Context(), lost.page, 0); err != nil || got != lost.secret {
		t.Fatalf("wrong secret or %v", err)
	}
	if !slices.Contains(w.finished, lost.page) {
		t.Fatal("a page that is everywhere and used up was not finished with")
	}
	puts, gets := r.stores[0].putCount(), r.stores[0].gets
	ensure(t, w, lost.page)
	if r.stores[0].putCount() != puts || r.stores[0].gets != gets {
		t.Fatal("a finished page cost a request")
	}
}
