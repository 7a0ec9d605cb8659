package keys

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

func TestList(t *testing.T) {
	r := newRig(t)
	first := kekOf(t, r.writer(t))
	r.now = r.now.Add(time.Hour)
	second, err := r.writer(t).Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	delete(r.stores[1].files, names.KEK(first))
	r.kms[0].fail(errService)
	list, err := List(t.Context(), r.trust, r.regions)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d KEKs, %v", len(list), err)
	}
	if list[0].ID != second || list[1].ID != first || list[0].Created.Sub(list[1].Created) != time.Hour {
		t.Fatalf("not newest first: %+v", list)
	}
	a, b := list[1].Regions[0], list[1].Regions[1]
	if a.Region != "a" || a.KMS != "local:///a" || !errors.Is(a.Err, ErrKMSUnavailable) || !errors.Is(b.Err, fs.ErrNotExist) {
		t.Fatalf("first KEK: %+v %+v", a, b)
	}
	if b := list[0].Regions[1]; b.Err != nil {
		t.Fatalf("second KEK in b: %v", b.Err)
	}
	r.stores[0].fail(errDown)
	list, err = List(t.Context(), r.trust, r.regions)
	if !errors.Is(err, errDown) || len(list) != 1 {
		t.Fatalf("a region down: %d KEKs, %v", len(list), err)
	}
}
