package keys

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"gocloud.dev/gcerrors"
	"gocloud.dev/secrets"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// codedKeeper is a driver that always fails with a code.
type codedKeeper struct {
	localKeeper
	code gcerrors.ErrorCode
}

var errService = errors.New("the service's own words")

func (k *codedKeeper) Encrypt(context.Context, []byte) ([]byte, error) { return nil, errService }
func (k *codedKeeper) Decrypt(context.Context, []byte) ([]byte, error) { return nil, errService }
func (k *codedKeeper) ErrorCode(error) gcerrors.ErrorCode              { return k.code }

func TestRingTellsKMSErrorsApart(t *testing.T) {
	r := newRig(t)
	s := r.sealedPage(t)
	for code, want := range map[gcerrors.ErrorCode]error{
		gcerrors.InvalidArgument:    ErrWrongKey,
		gcerrors.FailedPrecondition: ErrKeyDisabled,
		gcerrors.PermissionDenied:   ErrKeyDisabled,
		gcerrors.NotFound:           ErrKeyDisabled,
		gcerrors.ResourceExhausted:  ErrKMSUnavailable,
		gcerrors.DeadlineExceeded:   ErrKMSUnavailable,
		gcerrors.Unknown:            ErrKMSUnavailable,
	} {
		region := r.regions[0]
		region.Keeper = secrets.NewKeeper(&codedKeeper{code: code})
		_, err := NewRing(region, r.trust).Secret(t.Context(), s.page, s.slot)
		var kms *KMSError
		if !errors.Is(err, want) || !errors.As(err, &kms) || kms.Retryable() != (want == ErrKMSUnavailable) {
			t.Errorf("code %v: got %v, want %v", code, err, want)
		}
		if kms != nil && (kms.Region != "a" || kms.KMS != "local:///a" || !errors.Is(err, errService)) {
			t.Errorf("code %v: %+v", code, kms)
		}
	}
}

func TestRingMissing(t *testing.T) {
	r := newRig(t)
	s := r.sealedPage(t)
	kek := r.stores[0].names(names.KEKs)[0]
	for _, key := range []string{names.Page(s.page), kek} {
		file := r.stores[0].file(t, key)
		delete(r.stores[0].files, key)
		ring := r.ring(0)
		if _, err := ring.Secret(t.Context(), s.page, 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("without %s: %v", key, err)
		}
		if has, err := ring.Has(t.Context(), s.page); has || err != nil {
			t.Errorf("without %s: has %v, %v", key, has, err)
		}
		r.stores[0].put(key, file)
		if has, err := ring.Has(t.Context(), s.page); !has || err != nil {
			t.Errorf("with %s again: has %v, %v", key, has, err)
		}
	}
	if _, err := r.ring(0).Secret(t.Context(), s.page, 2); err == nil || !strings.Contains(err.Error(), "2 slots") {
		t.Errorf("slot 2 of 2: %v", err)
	}
}

// TestRingHasIsRegional: a page in one region says nothing about
// the other.
func TestRingHasIsRegional(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	s := next(t, w)
	if err := w.Ensure(t.Context(), "a", s.page); err != nil {
		t.Fatal(err)
	}
	inA, errA := r.ring(0).Has(t.Context(), s.page)
	inB, errB := r.ring(1).Has(t.Context(), s.page)
	if !inA || inB || errA != nil || errB != nil {
		t.Fatalf("in a %v (%v), in b %v (%v)", inA, errA, inB, errB)
	}
}

func TestRingForgedFiles(t *testing.T) {
	r := newRig(t)
	s, other := r.sealedPage(t), r.sealedPage(t)
	page, kek := names.Page(s.page), r.stores[0].names(names.KEKs)[0]
	root := signed.NewSigner(signed.RoleRoot, testKey(1))
	erase := signed.NewSigner(signed.RoleErase, testKey(5))
	introduce(t, r.trust, root, r.archive, erase)
	doc := pageFile{Archive: r.archive, Page: s.page, Generation: 1, Slots: 2}
	for name, c := range map[string]struct {
		key  string
		file []byte
	}{
		"another page's bytes":     {page, r.stores[0].file(t, names.Page(other.page))},
		"a changed bit":            {page, flip(r.stores[0].file(t, page))},
		"the wrong role":           {page, seal(t, erase, signed.KindPage, doc)},
		"a stranger":               {page, seal(t, signed.NewSigner(signed.RoleArchive, testKey(7)), signed.KindPage, doc)},
		"the wrong kind":           {page, seal(t, r.signer, signed.KindGap, doc)},
		"a changed bit in the KEK": {kek, flip(r.stores[0].file(t, kek))},
		"another KEK's bytes":      {kek, seal(t, r.signer, signed.KindKEK, kekFile{Archive: r.archive, KEK: names.KEKID{9}})},
		"another archive's KEK":    {kek, seal(t, r.signer, signed.KindKEK, kekFile{KEK: kekID(t, kek)})},
	} {
		genuine := r.stores[0].file(t, c.key)
		r.stores[0].put(c.key, c.file)
		if _, err := r.ring(0).Secret(t.Context(), s.page, 0); !errors.Is(err, signed.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
		if has, err := r.ring(0).Has(t.Context(), s.page); has || err == nil {
			t.Errorf("%s: counts (%v)", name, err)
		}
		r.stores[0].put(c.key, genuine)
	}
}

func kekID(t *testing.T, name string) names.KEKID {
	t.Helper()
	id, ok := parseKEKName(name)
	if !ok {
		t.Fatalf("%q is no KEK's name", name)
	}
	return id
}

func flip(file []byte) []byte {
	file = bytes.Clone(file)
	at := bytes.Index(file, []byte(`"wrapped":"`)) + 20
	file[at] ^= 1
	return file
}

func seal(t *testing.T, s *signed.Signer, kind string, doc any) []byte {
	t.Helper()
	file, err := s.Seal(kind, doc)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRingKEKOfOtherRegion: a KEK file is never valid elsewhere.
func TestRingKEKOfOtherRegion(t *testing.T) {
	r := newRig(t)
	s := r.sealedPage(t)
	kek := r.stores[0].names(names.KEKs)[0]
	r.stores[1].put(kek, r.stores[0].file(t, kek))
	_, err := r.ring(1).Secret(t.Context(), s.page, 0)
	if !errors.Is(err, ErrWrongKey) || errors.Is(err, signed.ErrSignature) || !strings.Contains(err.Error(), "local:///a") {
		t.Fatalf("got %v, want ErrWrongKey that names what wrapped it", err)
	}
}

// TestRingPageUnderOtherKEK: a page that names a KEK which did not wrap it.
func TestRingPageUnderOtherKEK(t *testing.T) {
	r := newRig(t)
	s := r.sealedPage(t)
	doc, err := parsePage(r.stores[0].file(t, names.Page(s.page)), r.trust, s.page)
	if err != nil {
		t.Fatal(err)
	}
	doc.Generation++
	r.stores[0].put(names.Page(s.page), seal(t, r.signer, signed.KindPage, doc))
	if _, err := r.ring(0).Secret(t.Context(), s.page, 0); !errors.Is(err, ErrWrongKey) {
		t.Fatalf("an old content under a new generation: %v", err)
	}
}

// TestRingOutage: who has the KEK reads on without the KMS.
func TestRingOutage(t *testing.T) {
	r := newRig(t)
	w := r.writer(t)
	first, _ := next(t, w), next(t, w)
	second := next(t, w)
	ensure(t, w, first.page)
	ensure(t, w, second.page)
	ring := r.ring(0)
	r.kms[0].fail(errService)
	if _, err := ring.Secret(t.Context(), first.page, 0); !errors.Is(err, ErrKMSUnavailable) {
		t.Fatalf("without the KMS: %v", err)
	}
	r.kms[0].fail(nil)
	if _, err := ring.Secret(t.Context(), first.page, 0); err != nil {
		t.Fatalf("an error must not be remembered: %v", err)
	}
	r.kms[0].fail(errService)
	if got, err := ring.Secret(t.Context(), second.page, 0); err != nil || got != second.secret {
		t.Fatalf("a page not seen before, by a KEK seen before: %v", err)
	}
}

// TestRingAsksOnce: readers that start together make one call.
func TestRingAsksOnce(t *testing.T) {
	r := newRig(t)
	s := r.sealedPage(t)
	ring, gets, calls := r.ring(0), r.stores[0].gets, r.kms[0].count()
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if got, err := ring.Secret(t.Context(), s.page, 0); err != nil || got != s.secret {
				t.Error("wrong secret or", err)
			}
		})
	}
	wg.Wait()
	if got := r.stores[0].gets - gets; got != 2 || r.kms[0].count()-calls != 1 {
		t.Fatalf("%d reads and %d KMS calls, want 2 and 1", got, r.kms[0].count()-calls)
	}
}
