package proof_test

import (
	"errors"
	"testing"

	codec "github.com/tidemark-io/tidemark/codec/proof"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/proof"
)

// prove makes a proof, and returns what it proves to an auditor.
func prove(t *testing.T, w *covertest.World, s *segment.Sealed, offset int64) (*codec.Proven, error) {
	t.Helper()
	trust, err := signed.NewTrust(w.ID, w.Root.Public())
	if err != nil {
		t.Fatal(err)
	}
	file, err := proof.Make(t.Context(), w.Archive(), trust, s.Name, offset)
	if err != nil {
		return nil, err
	}
	return codec.Verify(file, w.ID, w.Root.Public())
}

func stored(t *testing.T) (*covertest.World, *segment.Sealed) {
	w := covertest.New(t)
	s := w.Store(covertest.Spec{Base: 10, Next: 40, Options: segment.Options{BlockSize: 1},
		Batches: [][]byte{covertest.Batch(t, 10, 10), covertest.Batch(t, 20, 5), covertest.Batch(t, 30, 10)}})
	return w, s
}

func TestMake(t *testing.T) {
	w, s := stored(t)
	for _, offset := range []int64{10, 19, 20, 24, 30, 39} {
		p, err := prove(t, w, s, offset)
		if err != nil {
			t.Fatal(err)
		}
		want := covertest.Record(offset)
		if p.Record.Offset != offset || string(p.Record.Key) != string(want.Key) || string(p.Record.Value) != string(want.Value) || p.Digest != s.Digest || p.Segment != s.Name {
			t.Errorf("offset %d: %+v", offset, p)
		}
	}
	for _, offset := range []int64{9, 25, 29, 40} { // 25 to 29 were compacted away
		if p, err := prove(t, w, s, offset); err == nil {
			t.Errorf("offset %d: %+v", offset, p)
		}
	}
}

// TestMakeFromTheOtherRegion: a copy that is damaged, cut, gone or without its
// key page is left for the other; with both it is refused.
func TestMakeFromTheOtherRegion(t *testing.T) {
	for name, spoil := range map[string]func(r *covertest.Region, s *segment.Sealed){
		"damaged": func(r *covertest.Region, s *segment.Sealed) {
			r.Flip(s.Name.String(), int(s.Footer.Blocks[1].Position)+30)
		},
		"cut":  func(r *covertest.Region, s *segment.Sealed) { r.Cut(s.Name.String(), 10) },
		"gone": func(r *covertest.Region, s *segment.Sealed) { r.Remove(s.Name.String()) },
		"page": func(r *covertest.Region, s *segment.Sealed) { r.RemovePage(s.Header.Page) },
		"down": func(r *covertest.Region, _ *segment.Sealed) { r.Down() },
	} {
		w, s := stored(t)
		spoil(w.A, s)
		if p, err := prove(t, w, s, 22); err != nil || p.Record.Offset != 22 {
			t.Errorf("%s in one region: %v", name, err)
		}
		spoil(w.B, s)
		if p, err := prove(t, w, s, 22); err == nil {
			t.Errorf("%s in both regions: %+v", name, p)
		}
	}
}

// TestMakeChecks: what it returns was checked with the caller's pins.
func TestMakeChecks(t *testing.T) {
	w, s := stored(t)
	other, err := signed.NewTrust(w.ID, covertest.New(t).Archiver.Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proof.Make(t.Context(), w.Archive(), other, s.Name, 22); !errors.Is(err, signed.ErrSignature) {
		t.Errorf("another root: %v", err)
	}
}
