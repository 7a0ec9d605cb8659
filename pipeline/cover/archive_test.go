package cover_test

import (
	"errors"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// The archive.json in one region is another archive's.
func TestIdentity(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 1)
	other := signed.NewSigner(signed.RoleRoot, covertest.Key("other root"))
	w.B.Put(names.Archive, w.Seal(other, signed.KindIdentity, signed.Identity{Archive: w.ID, Root: other.Public()}))
	if got := read(t, w, cover.ReadOptions{}); !errors.Is(got.err, signed.ErrSignature) {
		t.Errorf("replaced archive.json: %v", got.err)
	}
	w.B.Put(names.Archive, []byte("{}"))
	if got := read(t, w, cover.ReadOptions{}); !errors.Is(got.err, signed.ErrSignature) {
		t.Errorf("archive.json that is none: %v", got.err)
	}
	w.B.Remove(names.Archive)
	read(t, w, cover.ReadOptions{}).want(t, span(0, 10))
	w.A.Remove(names.Archive)
	if got := read(t, w, cover.ReadOptions{}); got.err == nil {
		t.Error("no region vouches for the archive, and it was read")
	}
}

// One region's store says that the bytes of archive.json are not those it took.
func TestIdentityDamaged(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 1)
	spoil := func(op, key string) error {
		if op == "get" && key == names.Archive {
			return object.ErrDamaged
		}
		return nil
	}
	w.A.Fail(spoil)
	read(t, w, cover.ReadOptions{}).want(t, span(0, 10))
	w.B.Fail(spoil)
	if got := read(t, w, cover.ReadOptions{}); !errors.Is(got.err, object.ErrDamaged) {
		t.Errorf("damaged in both: %v", got.err)
	}
}
