package keys

import (
	"errors"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// kekOf makes one page durable and returns the KEK that it was wrapped by.
func kekOf(t *testing.T, w *Writer) names.KEKID {
	t.Helper()
	s := next(t, w)
	p := w.pages[s.page]
	ensure(t, w, s.page)
	next(t, w) // use the page up, so that the next call begins another
	return p.kek.id
}

func TestKEKTakenOver(t *testing.T) {
	r := newRig(t)
	first := kekOf(t, r.writer(t))
	r.now = r.now.Add(DefaultKEKAge - time.Second)
	if got := kekOf(t, r.writer(t)); got != first {
		t.Fatal("a new process made a KEK although there is a young one")
	}
	r.now = r.now.Add(time.Second)
	if got := kekOf(t, r.writer(t)); got == first {
		t.Fatal("a KEK of 30 days was taken")
	}
}

func TestKEKRotatesWhileRunning(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	old := next(t, w)
	ensure(t, w, old.page)
	next(t, w)
	first := kekOf(t, w)
	r.now = r.now.Add(DefaultKEKAge)
	second := kekOf(t, w)
	if second == first {
		t.Fatal("the KEK outlived its age")
	}
	if got, err := r.ring(1).Secret(t.Context(), old.page, 0); err != nil || got != old.secret {
		t.Fatalf("a page of the old KEK: %v", err)
	}
	if got := r.stores[1].names(names.KEKs); len(got) != 2 {
		t.Fatalf("KEKs %v", got)
	}
}

// TestKEKAgesInAnOutage: the hour at which a KEK grows old is no reason to
// stop a region whose KMS is down; it has all it needs.
func TestKEKAgesInAnOutage(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	first := kekOf(t, w)
	r.kms[0].fail(errService)
	r.kms[1].fail(errService)
	r.now = r.now.Add(DefaultKEKAge)
	if got := kekOf(t, w); got != first {
		t.Fatal("took a KEK that cannot have been stored")
	}
	r.kms[0].fail(nil)
	r.kms[1].fail(nil)
	r.now = r.now.Add(kekSearch)
	if got := kekOf(t, w); got == first {
		t.Fatal("never rotated after the outage")
	}
}

func TestKEKNewestWins(t *testing.T) {
	r := newRig(t)
	running := r.writer(t)
	first := kekOf(t, running)
	r.now = r.now.Add(time.Minute)
	second, err := r.writer(t).Rotate(t.Context())
	if err != nil || second == first {
		t.Fatalf("rotate: %v", err)
	}
	if got := kekOf(t, r.writer(t)); got != second {
		t.Fatal("a new process passed over the newest KEK")
	}
	if got := kekOf(t, running); got != first {
		t.Fatal("a running writer asked before an hour was over")
	}
	r.now = r.now.Add(kekSearch)
	if got := kekOf(t, running); got != second {
		t.Fatal("a running writer did not take the new KEK after an hour")
	}
}

// TestKEKPassedOver: neither a forged KEK nor one from a clock far ahead is
// ever taken.
func TestKEKPassedOver(t *testing.T) {
	r := newRig(t)
	first := kekOf(t, r.writer(t))
	stranger := signed.NewSigner(signed.RoleArchive, testKey(9))
	for id, c := range map[byte]struct {
		signer  *signed.Signer
		created time.Time
	}{1: {stranger, r.now.Add(time.Hour)}, 2: {r.signer, r.now.Add(kekSkew + time.Hour)}} {
		k := newKEK(c.created)
		k.id = names.KEKID{id}
		file, err := r.regions[0].sealKEK(t.Context(), c.signer, r.archive, k)
		if err != nil {
			t.Fatal(err)
		}
		r.stores[0].put(names.KEK(k.id), file)
	}
	r.stores[0].put(names.KEKs+"README", []byte("not a key"))
	if got := kekOf(t, r.writer(t)); got != first {
		t.Fatalf("took %s", got)
	}
}

func TestRotatePartly(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	kekOf(t, w)
	r.stores[0].fail(errDown)
	id, err := w.Rotate(t.Context())
	if !errors.Is(err, errDown) || id == (names.KEKID{}) {
		t.Fatalf("one region down: %s, %v", id, err)
	}
	r.stores[0].fail(nil)
	if got := kekOf(t, w); got != id { // Ensure gives region a what it lacks
		t.Fatalf("in use is %s, not %s", got, id)
	}
	r.stores[0].fail(errDown)
	r.stores[1].fail(errDown)
	if got, err := w.Rotate(t.Context()); !errors.Is(err, errDown) || got != (names.KEKID{}) {
		t.Fatalf("both regions down: %s, %v", got, err)
	}
	r.stores[0].fail(nil)
	r.stores[1].fail(nil)
	if got := kekOf(t, w); got != id {
		t.Fatal("a rotation that reached no region came into use")
	}
}
