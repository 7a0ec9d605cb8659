package keys

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

func TestCopy(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	s := next(t, w)
	if err := w.Ensure(t.Context(), "a", s.page); err != nil {
		t.Fatal(err)
	}
	healer := r.writer(t)
	for range 2 {
		if err := healer.Copy(t.Context(), s.page, "a", "b"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := r.ring(1).Secret(t.Context(), s.page, 0); err != nil || got != s.secret {
		t.Fatalf("wrong secret or %v", err)
	}
	kek := r.stores[0].names(names.KEKs)[0]
	if string(r.stores[0].file(t, kek)) == string(r.stores[1].file(t, kek)) {
		t.Fatal("the KEK's file was copied")
	}
	if err := healer.Copy(t.Context(), names.PageID{8}, "a", "b"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a page of nobody: %v", err)
	}
}

func TestCopyRefuses(t *testing.T) {
	r := newRig(t)
	s := r.sealedPage(t)
	page := names.Page(s.page)
	genuine := r.stores[0].file(t, page)
	r.stores[0].put(page, flip(genuine))
	if err := r.writer(t).Copy(t.Context(), s.page, "a", "b"); !errors.Is(err, signed.ErrSignature) {
		t.Fatalf("a forged page: %v", err)
	}
	r.stores[0].put(page, genuine)
	r.stores[1].put(page, []byte("a later generation"))
	if err := r.writer(t).Copy(t.Context(), s.page, "a", "b"); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("over another generation: %v", err)
	}
}
