package restore

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// region is an object store in memory.
type region map[string][]byte

func (r region) Get(_ context.Context, key string) ([]byte, error) {
	b, ok := r[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return b, nil
}

func (r region) ReadAt(_ context.Context, key string, p []byte, off int64) (int, error) {
	b, ok := r[key]
	if !ok {
		return 0, fs.ErrNotExist
	}
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))).ReadAt(p, off)
}

func (r region) Stat(_ context.Context, key string) (object.Info, error) {
	b, ok := r[key]
	if !ok {
		return object.Info{}, fs.ErrNotExist
	}
	return object.Info{Key: key, Size: int64(len(b))}, nil
}

func (r region) List(_ context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(r)) {
			if strings.HasPrefix(key, prefix) && key > after && !yield(object.Info{Key: key, Size: int64(len(r[key]))}, nil) {
				return
			}
		}
	}
}

// slots makes the secret of a slot up from its number.
type slots struct{}

func (slots) Secret(_ context.Context, page names.PageID, slot uint16) (block.Secret, error) {
	return sha256.Sum256(fmt.Appendf(nil, "%s/%d", page, slot)), nil
}

// vault writes a real archive into two regions.
type vault struct {
	t      *testing.T
	a, b   region
	trust  *signed.Trust
	signer *signed.Signer
	slot   uint16
	prev   names.Digest // of segments, zero unless a test sets it
	cover  *cover.Archive
}

func newVault(t *testing.T) *vault {
	rootKey := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	root := signed.NewSigner(signed.RoleRoot, rootKey)
	id := names.ArchiveID{7}
	trust, err := signed.NewTrust(id, root.Public())
	if err != nil {
		t.Fatal(err)
	}
	v := &vault{t: t, a: region{}, b: region{}, trust: trust, signer: signed.NewSigner(signed.RoleArchive, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32)))}
	v.put(names.Archive, v.seal(root, signed.KindIdentity, signed.Identity{Archive: id, Root: root.Public(), Created: at(1)}))
	v.put(names.Signer(v.signer.ID()), v.seal(root, signed.KindSigner, signed.Introduction{Archive: id, Role: signed.RoleArchive, Key: v.signer.Public(), Created: at(1)}))
	v.cover, err = cover.New(trust, []cover.Region{{Name: "a", Objects: v.a, Secrets: slots{}}, {Name: "b", Objects: v.b, Secrets: slots{}}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *vault) put(key string, b []byte) { v.a[key], v.b[key] = b, bytes.Clone(b) }

func (v *vault) seal(s *signed.Signer, kind string, document any) []byte {
	b, err := s.Seal(kind, document)
	if err != nil {
		v.t.Fatal(err)
	}
	return b
}

// segment stores the batches as one segment [base, next) and returns its name.
func (v *vault) segment(p names.Partition, parent int32, created time.Time, base, next int64, batches ...[]byte) string {
	v.t.Helper()
	h := segment.Header{
		Archive: v.trust.Archive(), Topic: p.Topic, Lineage: p.Lineage, Parent: parent, Partition: p.Number, Base: base,
		Page: names.PageID{9}, Slot: v.slot, Created: created,
	}
	secret, _ := slots{}.Secret(v.t.Context(), h.Page, h.Slot)
	v.slot++
	w, err := segment.NewWriter(h, secret, segment.Options{BlockSize: 200})
	if err != nil {
		v.t.Fatal(err)
	}
	for _, b := range batches {
		bh, err := recordbatch.ParseHeader(b)
		if err == nil {
			err = w.Append(bh, b)
		}
		if err != nil {
			v.t.Fatal(err)
		}
	}
	sealed, err := w.Close(next, v.prev, v.signer)
	if err != nil {
		v.t.Fatal(err)
	}
	v.put(sealed.Name.String(), sealed.Data)
	return sealed.Name.String()
}

func (v *vault) gap(p names.Partition, base, next int64, reason string) {
	r, _, file, err := cover.SealGap(v.signer, cover.Gap{Archive: v.trust.Archive(), Partition: p, Base: base, Next: next, Reason: reason, At: at(5)})
	if err != nil {
		v.t.Fatal(err)
	}
	v.put(r.String(), file)
}

// log stores everyKind in segments that overlap, two of which begin in mid-batch.
func (v *vault) log(p names.Partition, s *shelf) {
	v.segment(p, names.RootBranch, at(1000), 0, 12, s.batches[:3]...)
	v.segment(p, names.RootBranch, at(2000), 10, 23, s.batches[2:7]...)
	v.segment(p, names.RootBranch, at(3000), 22, 31, s.batches[6:]...)
}

func TestRestoreFromARealArchive(t *testing.T) {
	v := newVault(t)
	s := everyKind(t)
	v.log(orders(0), s)
	for _, to := range []int64{6, 1000, 40 * 24 * 3600 * 1000} {
		c, client := cluster(t)
		src := FromArchive(v.cover, nil)
		p := plan(t, src, client, request(to))
		if _, err := Execute(t.Context(), p, src, client, options(t)); err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprint(to), read(t, c.ListenAddrs(), "restored", 0), expected(t, s, to))
	}
}

// Each region lacks or damages something else; what both hold together is enough.
func TestRestoreFromTwoHalfRegions(t *testing.T) {
	v := newVault(t)
	s := everyKind(t)
	v.log(orders(0), s)
	for i, key := range slices.Sorted(maps.Keys(v.a)) {
		if !strings.HasSuffix(key, ".seg") {
			continue
		}
		if i%2 == 0 {
			delete(v.a, key)
		} else {
			v.b[key][300] ^= 1
		}
	}
	c, client := cluster(t)
	src := FromArchive(v.cover, nil)
	if _, err := Execute(t.Context(), plan(t, src, client, request(1000)), src, client, options(t)); err != nil {
		t.Fatal(err)
	}
	same(t, "halves", read(t, c.ListenAddrs(), "restored", 0), expected(t, s, 1000))
}

func TestSurveyOfARealArchive(t *testing.T) {
	v := newVault(t)
	p := orders(0)
	v.segment(p, names.RootBranch, at(1), 0, 2, batch(t, recordbatch.Options{}, rec(0, 1), rec(1, 7)))
	v.gap(p, 1, 5, "retention")
	damaged := v.segment(p, names.RootBranch, at(1), 5, 6, batch(t, recordbatch.Options{}, rec(5, 8)))
	v.segment(p, names.RootBranch, at(1), 6, 7, batch(t, recordbatch.Options{}, rec(6, 9)))
	for _, r := range []region{v.a, v.b} {
		r[damaged][len(r[damaged])-1] ^= 1
	}
	got, err := FromArchive(v.cover, nil).Survey(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Segments) != 2 || got.Segments[0].Records != 2 || got.Segments[0].MaxTimestamp != 7 {
		t.Errorf("segments %+v", got.Segments)
	}
	want := []Gap{{Base: 2, Next: 5, Reason: "retention"}, {Base: 5, Next: 6, Reason: "no copy that counts", Unexplained: true}}
	if !slices.Equal(got.Gaps, want) {
		t.Errorf("gaps %+v, want %+v", got.Gaps, want)
	}
}

// The first segment was removed from both regions: its name is gone, and only
// the digest in the next one tells.
func TestRestoreWithoutTheBeginning(t *testing.T) {
	v := newVault(t)
	p := orders(0)
	v.prev = names.Digest{3}
	v.segment(p, names.RootBranch, at(1), 5, 6, batch(t, recordbatch.Options{}, rec(5, 8)))
	src := FromArchive(v.cover, nil)
	got, err := src.Survey(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Gaps) != 1 || got.Gaps[0].Base != 0 || got.Gaps[0].Next != 5 || !got.Gaps[0].Unexplained {
		t.Errorf("gaps %+v, want [0, 5)", got.Gaps)
	}
	_, client := cluster(t)
	if r := plan(t, src, client, request(9)).Refusals; len(r) != 1 || r[0].Cause != CauseHole {
		t.Errorf("refusals %+v, want the hole", r)
	}
}

// Topic ids are random: the newest life is told by its segments, and a branch
// by the epoch it began with.
func TestNewestLifeOfARealArchive(t *testing.T) {
	v := newVault(t)
	old := names.Partition{Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{200}, Branch: names.RootBranch}}
	v.segment(old, names.RootBranch, at(1), 0, 1, batch(t, recordbatch.Options{}, rec(0, 1)))
	v.segment(orders(0), names.RootBranch, at(2), 0, 2, batch(t, recordbatch.Options{}, rec(0, 2), rec(1, 3)))
	branch := orders(0)
	branch.Lineage.Branch = 4
	v.segment(branch, names.RootBranch, at(3), 1, 3, batch(t, recordbatch.Options{}, rec(1, 20), rec(2, 21)))
	c, client := cluster(t)
	src := FromArchive(v.cover, nil)
	p := plan(t, src, client, request(21))
	if p.Topics[0].ID != firstLife.Topic || len(p.Topics[0].Lives) != 1 {
		t.Errorf("life %v, others %v", p.Topics[0].ID, p.Topics[0].Lives)
	}
	if _, err := Execute(t.Context(), p, src, client, options(t)); err != nil {
		t.Fatal(err)
	}
	got := read(t, c.ListenAddrs(), "restored", 0)
	if len(got) != 3 || got[0].Timestamp != 2 || got[1].Timestamp != 20 || got[2].Timestamp != 21 {
		t.Errorf("came back: %+v", got)
	}
}
