package keys

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// slotOf is what Next handed out.
type slotOf struct {
	page   names.PageID
	slot   uint16
	secret block.Secret
}

func TestWriterRoundTrip(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	var all []slotOf
	for range 5 {
		all = append(all, next(t, w))
	}
	for _, s := range all {
		ensure(t, w, s.page)
	}
	for i := range r.regions {
		ring := r.ring(i)
		for _, s := range all {
			got, err := ring.Secret(t.Context(), s.page, s.slot)
			if err != nil || got != s.secret {
				t.Fatalf("region %d slot %d of %s: wrong secret or %v", i, s.slot, s.page, err)
			}
		}
	}
	page := names.Page(all[0].page)
	if string(r.stores[0].file(t, page)) != string(r.stores[1].file(t, page)) {
		t.Fatal("the page's bytes differ between the regions")
	}
	kek := r.stores[0].names(names.KEKs)
	if len(kek) != 1 || string(r.stores[0].file(t, kek[0])) == string(r.stores[1].file(t, kek[0])) {
		t.Fatal("the KEK's file must be wrapped region by region")
	}
}

// TestWriterSlotsOnce: whatever the number of takers and processes, no slot
// and no secret comes twice.
func TestWriterSlotsOnce(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	slots, secrets := map[slotOf]bool{}, map[block.Secret]bool{}
	var wg sync.WaitGroup
	for range 2 { // two processes
		w := r.writer(t)
		for range 8 {
			wg.Go(func() {
				for range 50 {
					page, slot, secret, err := w.Next()
					if err == nil {
						err = w.Ensure(t.Context(), "a", page)
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					slots[slotOf{page: page, slot: slot}] = true
					secrets[secret] = true
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	if len(slots) != 800 || len(secrets) != 800 || secrets[block.Secret{}] {
		t.Fatalf("%d slots and %d secrets of 800; a zero one: %v", len(slots), len(secrets), secrets[block.Secret{}])
	}
}

// TestWriterSecretsSurviveSealing: wiping what was handed out must not reach
// what was not.
func TestWriterSecretsSurviveSealing(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	first := next(t, w)
	ensure(t, w, first.page)
	second := next(t, w)
	if second.page != first.page || second.slot != 1 {
		t.Fatalf("slot %d of %s follows slot 0 of %s", second.slot, second.page, first.page)
	}
	if got, err := r.ring(0).Secret(t.Context(), second.page, 1); err != nil || got != second.secret {
		t.Fatalf("wrong secret or %v", err)
	}
	if third := next(t, w); third.page == first.page {
		t.Fatal("a third slot of a page of two")
	}
}

func TestWriterWipes(t *testing.T) {
	r := newRig(t)
	w, err := NewWriter(r.signer, r.trust, r.regions, Options{Slots: 3})
	if err != nil {
		t.Fatal(err)
	}
	s := next(t, w)
	p := w.pages[s.page]
	ensure(t, w, s.page)
	if (p.secrets[0] != block.Secret{}) || (p.secrets[1] == block.Secret{}) {
		t.Fatal("after sealing, the slot handed out must be wiped and no other")
	}
	next(t, w)
	if (p.secrets[1] != block.Secret{}) || (p.secrets[2] == block.Secret{}) {
		t.Fatal("a slot handed out after sealing must be wiped at once")
	}
	next(t, w)
	if (p.secrets[2] != block.Secret{}) || w.pages[s.page] != nil {
		t.Fatal("a page that is durable and used up must be wiped and forgotten")
	}
	s = next(t, w)
	p = w.pages[s.page]
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if (p.secrets[1] != block.Secret{}) {
		t.Fatal("Close left a secret in memory")
	}
	if _, _, _, err := w.Next(); !errors.Is(err, ErrClosed) {
		t.Fatalf("Next after Close: %v", err)
	}
	if err := w.Ensure(t.Context(), "a", s.page); !errors.Is(err, ErrClosed) {
		t.Fatalf("Ensure after Close: %v", err)
	}
}

func TestWriterRefusesItsOptions(t *testing.T) {
	r := newRig(t)
	stranger := signed.NewSigner(signed.RoleArchive, testKey(9))
	twice := []Region{r.regions[0], r.regions[0]}
	for name, f := range map[string]func() (*Writer, error){
		"too many slots": func() (*Writer, error) { return NewWriter(r.signer, r.trust, r.regions, Options{Slots: MaxSlots + 1}) },
		"minus slots":    func() (*Writer, error) { return NewWriter(r.signer, r.trust, r.regions, Options{Slots: -1}) },
		"minus age":      func() (*Writer, error) { return NewWriter(r.signer, r.trust, r.regions, Options{KEKAge: -time.Hour}) },
		"no region":      func() (*Writer, error) { return NewWriter(r.signer, r.trust, nil, Options{}) },
		"one name twice": func() (*Writer, error) { return NewWriter(r.signer, r.trust, twice, Options{}) },
		"a signer whom nobody introduced": func() (*Writer, error) {
			return NewWriter(stranger, r.trust, r.regions, Options{})
		},
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
