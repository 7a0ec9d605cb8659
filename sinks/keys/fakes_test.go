package keys

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io/fs"
	"iter"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// memStore is a Store in memory that counts and can be down.
type memStore struct {
	mu    sync.Mutex
	files map[string][]byte
	down  error
	puts  int
	gets  int
	lists int
}

func (s *memStore) Ensure(_ context.Context, key string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	if s.down != nil {
		return s.down
	}
	if have, ok := s.files[key]; ok && !bytes.Equal(have, body) {
		return fs.ErrExist
	}
	s.files[key] = bytes.Clone(body)
	return nil
}

func (s *memStore) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if s.down != nil {
		return nil, s.down
	}
	body, ok := s.files[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(body), nil
}

func (s *memStore) List(_ context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		s.mu.Lock()
		s.lists++
		down, keys := s.down, slices.Sorted(maps.Keys(s.files))
		s.mu.Unlock()
		if down != nil {
			yield(object.Info{}, down)
			return
		}
		for _, k := range keys {
			if strings.HasPrefix(k, prefix) && k > after && !yield(object.Info{Key: k}, nil) {
				return
			}
		}
	}
}

func (s *memStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

func (s *memStore) put(key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[key] = body
}

func (s *memStore) file(t *testing.T, key string) []byte {
	t.Helper()
	body, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return body
}

// names returns what lies below a prefix.
func (s *memStore) names(prefix string) []string {
	var all []string
	for info := range s.List(context.Background(), prefix, "") {
		all = append(all, info.Key)
	}
	return all
}

func (s *memStore) putCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

// switchKeeper is a keeper whose service can be down.
type switchKeeper struct {
	Keeper
	mu       sync.Mutex
	down     error // of both
	noUnwrap error // of Decrypt
	calls    int
}

func (k *switchKeeper) Encrypt(ctx context.Context, plain []byte) ([]byte, error) {
	if err := k.enter(nil); err != nil {
		return nil, err
	}
	return k.Keeper.Encrypt(ctx, plain)
}

func (k *switchKeeper) Decrypt(ctx context.Context, sealed []byte) ([]byte, error) {
	if err := k.enter(k.noUnwrap); err != nil {
		return nil, err
	}
	return k.Keeper.Decrypt(ctx, sealed)
}

func (k *switchKeeper) enter(err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.down != nil {
		return k.down
	}
	return err
}

func (k *switchKeeper) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.down = err
}

func (k *switchKeeper) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls
}

// rig is an archive with two regions, each with a store and a KMS key of its
// own.
type rig struct {
	archive names.ArchiveID
	signer  *signed.Signer
	trust   *signed.Trust
	stores  []*memStore
	kms     []*switchKeeper
	regions []Region
	now     time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{archive: names.ArchiveID{1, 2, 3}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	root := signed.NewSigner(signed.RoleRoot, testKey(1))
	r.signer = signed.NewSigner(signed.RoleArchive, testKey(2))
	var err error
	if r.trust, err = signed.NewTrust(r.archive, root.Public()); err != nil {
		t.Fatal(err)
	}
	introduce(t, r.trust, root, r.archive, r.signer)
	for _, name := range []string{"a", "b"} {
		keeper := &switchKeeper{Keeper: localKeeperIn(t, name)}
		store := &memStore{files: map[string][]byte{}}
		r.stores, r.kms = append(r.stores, store), append(r.kms, keeper)
		r.regions = append(r.regions, Region{Name: name, Store: store, Keeper: keeper, KMS: "local:///" + name + "?token=hidden"})
	}
	return r
}

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func introduce(t *testing.T, trust *signed.Trust, root *signed.Signer, archive names.ArchiveID, s *signed.Signer) {
	t.Helper()
	file, err := root.Seal(signed.KindSigner, signed.Introduction{Archive: archive, Role: s.Role, Key: s.Public()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Introduce(file); err != nil {
		t.Fatal(err)
	}
}

func localKeeperIn(t *testing.T, name string) Keeper {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".key")
	if err := CreateLocalKey(path); err != nil {
		t.Fatal(err)
	}
	k, err := OpenLocal(&url.URL{Scheme: LocalScheme, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// writer returns a new process's writer with pages of two slots.
func (r *rig) writer(t *testing.T) *Writer {
	t.Helper()
	w, err := NewWriter(r.signer, r.trust, r.regions, Options{Slots: 2, Now: func() time.Time { return r.now }})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (r *rig) ring(region int) *Ring { return NewRing(r.regions[region], r.trust) }

// next takes a slot.
func next(t *testing.T, w *Writer) slotOf {
	t.Helper()
	page, slot, secret, err := w.Next()
	if err != nil {
		t.Fatal(err)
	}
	return slotOf{page, slot, secret}
}

// ensure makes a page durable in both regions.
func ensure(t *testing.T, w *Writer, page names.PageID) {
	t.Helper()
	for _, r := range w.regions {
		if err := w.Ensure(t.Context(), r.Name, page); err != nil {
			t.Fatalf("region %s: %v", r.Name, err)
		}
	}
}

// sealedPage makes one page of two slots in both regions.
func (r *rig) sealedPage(t *testing.T) slotOf {
	t.Helper()
	w := r.writer(t)
	s := next(t, w)
	ensure(t, w, s.page)
	return s
}
