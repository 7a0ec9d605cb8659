package cover_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

func TestReadRow(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 12)
	got := read(t, w, cover.ReadOptions{})
	got.want(t, span(0, 120))
	got.wantLost(t)
	got.wantFindings(t)
	if got.whole != 24 {
		t.Errorf("%d pieces as archived, want all 24 batches", got.whole)
	}
	if n := w.B.Calls("get") - 1 + w.B.Calls("readat"); n != 0 {
		t.Errorf("%d objects fetched from the farther region, want none", n)
	}
}

func TestReadWindow(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 3)
	read(t, w, cover.ReadOptions{From: 7, To: 22}).want(t, span(7, 22))
	read(t, w, cover.ReadOptions{From: 30}).want(t, nil)
	read(t, w, cover.ReadOptions{From: 29}).want(t, span(29, 30))
}

// One region's copy is no good.
func TestReadOtherRegion(t *testing.T) {
	for _, tt := range []struct {
		name    string
		harm    func(w *covertest.World, s *segment.Sealed)
		finding []string
	}{
		{"flipped body", func(w *covertest.World, s *segment.Sealed) {
			w.A.Flip(s.Name.String(), int(s.Footer.Blocks[0].Position)+20)
		}, []string{"damaged a"}},
		{"flipped header", func(w *covertest.World, s *segment.Sealed) { w.A.Flip(s.Name.String(), 40) }, []string{"damaged a"}},
		{"flipped footer", func(w *covertest.World, s *segment.Sealed) { w.A.Flip(s.Name.String(), -300) }, []string{"forged a"}},
		{"cut short", func(w *covertest.World, s *segment.Sealed) { w.A.Cut(s.Name.String(), -10) }, []string{"damaged a"}},
		{"empty", func(w *covertest.World, s *segment.Sealed) { w.A.Cut(s.Name.String(), 0) }, []string{"damaged a"}},
		{"missing", func(w *covertest.World, s *segment.Sealed) { w.A.Remove(s.Name.String()) }, nil},
		{"page missing", func(w *covertest.World, s *segment.Sealed) { w.A.RemovePage(covertest.Page) }, nil},
		{"unreadable", func(w *covertest.World, s *segment.Sealed) {
			w.A.Fail(func(op, key string) error {
				if op == "readat" && key == s.Name.String() {
					return covertest.ErrDown
				}
				return nil
			})
		}, []string{"unreachable a"}},
		{"region down", func(w *covertest.World, s *segment.Sealed) { w.A.Down() }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := covertest.New(t)
			row := w.Row(0, 3)
			tt.harm(w, row[1])
			for _, a := range []*cover.Archive{w.Archive(), w.ArchiveWith(hasty)} {
				got := readFrom(t, a, cover.ReadOptions{})
				got.want(t, span(0, 30))
				got.wantLost(t)
				got.wantFindings(t, tt.finding...)
			}
		})
	}
}

// One block bad in one region and another in the other: the segment is whole.
func TestReadBlockByBlock(t *testing.T) {
	w := covertest.New(t)
	s := w.Store(covertest.Spec{
		Next: 10, Options: segment.Options{BlockSize: 1},
		Batches: [][]byte{covertest.Batch(t, 0, 5), covertest.Batch(t, 5, 5)},
	})
	w.A.Flip(s.Name.String(), int(s.Footer.Blocks[0].Position)+20)
	w.B.Flip(s.Name.String(), int(s.Footer.Blocks[1].Position)+20)
	got := read(t, w, cover.ReadOptions{})
	got.want(t, span(0, 10))
	got.wantLost(t)
	got.wantFindings(t, "damaged a")
	w.B.Flip(s.Name.String(), int(s.Footer.Blocks[0].Position)+20)
	got = read(t, w, cover.ReadOptions{})
	got.want(t, span(5, 10))
	got.wantLost(t, cover.Offsets{Base: 0, Next: 5})
	got.wantFindings(t, "damaged a", "damaged b")
}

func TestReadLost(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 5)
	w.A.Cut(row[1].Name.String(), 100)
	w.B.Cut(row[1].Name.String(), 0)
	w.A.Remove(row[3].Name.String())
	w.B.Remove(row[3].Name.String())
	got := read(t, w, cover.ReadOptions{})
	got.want(t, append(append(span(0, 10), span(20, 30)...), span(40, 50)...))
	got.wantLost(t, cover.Offsets{Base: 10, Next: 20}, cover.Offsets{Base: 30, Next: 40})
	if n := len(got.lost[0].Copies); n != 2 || got.lost[0].Unavailable() {
		t.Errorf("%d reasons, unavailable %v: %v", n, got.lost[0].Unavailable(), got.lost[0])
	}
	for _, want := range []string{"topic orders partition 3", "offsets [10, 20)", "region a", "region b", row[1].Name.String()} {
		if !strings.Contains(got.lost[0].Error(), want) {
			t.Errorf("error %q does not say %q", got.lost[0], want)
		}
	}
}

// The first segment is gone from both regions, its name with it.
func TestReadNoBeginning(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 3)
	w.A.Remove(row[0].Name.String())
	w.B.Remove(row[0].Name.String())
	got := read(t, w, cover.ReadOptions{})
	got.want(t, span(10, 30))
	got.wantFindings(t, "no-beginning")
	read(t, w, cover.ReadOptions{From: 20}).wantFindings(t)
}

func TestReadLostPage(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 2)
	w.A.RemovePage(covertest.Page)
	w.B.RemovePage(covertest.Page)
	got := read(t, w, cover.ReadOptions{})
	got.want(t, nil)
	got.wantLost(t, cover.Offsets{Base: 0, Next: 10}, cover.Offsets{Base: 10, Next: 20})
	got.wantFindings(t, "key-page-missing a", "key-page-missing b", "key-page-missing a", "key-page-missing b")
}

func TestReadUnavailable(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 1)
	for _, r := range w.Regions() {
		r.Fail(func(op, _ string) error {
			if op == "secret" {
				return covertest.ErrDown
			}
			return nil
		})
	}
	got := read(t, w, cover.ReadOptions{})
	if len(got.lost) != 1 || !got.lost[0].Unavailable() || !errors.Is(got.lost[0], covertest.ErrDown) {
		t.Errorf("got %v, want a loss that may be temporary", got.lost)
	}
}

// Somebody who can write to both stores replaces the tail.
func TestReadForged(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 2)
	mallory := signed.NewSigner(signed.RoleArchive, covertest.Key("mallory"))
	for _, r := range w.Regions() {
		r.Remove(row[1].Name.String())
		r.Put(names.Signer(mallory.ID()), w.Seal(mallory, signed.KindSigner, signed.Introduction{Archive: w.ID, Role: signed.RoleArchive, Key: mallory.Public()}))
	}
	w.Store(covertest.Spec{Base: 10, Next: 20, Signer: mallory, Batches: [][]byte{covertest.Batch(t, 10, 10)}})
	got := read(t, w, cover.ReadOptions{})
	got.want(t, span(0, 10))
	got.wantLost(t, cover.Offsets{Base: 10, Next: 20})
	got.wantFindings(t, "forged a", "forged b")
}

// A signer that was introduced after the reader began.
func TestReadNewSigner(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 1)
	second := signed.NewSigner(signed.RoleArchive, covertest.Key("second"))
	w.B.Put(names.Signer(second.ID()), w.Introduction(second))
	w.Store(covertest.Spec{Base: 10, Next: 20, Signer: second, Batches: [][]byte{covertest.Batch(t, 10, 10)}})
	read(t, w, cover.ReadOptions{}).want(t, span(0, 20))
}

// Segments swapped, and one under another partition.
func TestReadMoved(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 3)
	w.A.Swap(row[0].Name.String(), row[2].Name.String())
	moved := row[1].Name
	moved.Partition.Number = 4
	w.A.Put(moved.String(), row[1].Data)
	got := read(t, w, cover.ReadOptions{})
	got.want(t, span(0, 30))
	got.wantFindings(t, "misplaced a", "misplaced a")
	_, err := w.Archive().Verify(context.Background(), "a", moved)
	if kind := kindOf(t, err); kind != cover.KindMisplaced {
		t.Errorf("moved to another partition: %s", kind)
	}
}

// A sound segment that somebody put under this partition, reaching beyond both
// ends of it: it takes nothing away, and nothing that never was is lost.
func TestReadStray(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(10, 3)
	other := covertest.Partition
	other.Number = 4
	long := w.Segment(covertest.Spec{Partition: other, Base: 0, Next: 50, Batches: [][]byte{covertest.Batch(t, 0, 50)}})
	name := long.Name
	name.Partition = covertest.Partition
	w.A.Put(name.String(), long.Data)
	renamed := row[2].Name
	renamed.Next = 60
	w.B.Put(renamed.String(), row[2].Data)
	got := read(t, w, cover.ReadOptions{})
	got.want(t, span(10, 40))
	got.wantLost(t)
	got.wantFindings(t, "misplaced b", "misplaced a")
}

// What stands at the end under a name with another digest keeps its claim: the
// object of that name may have been there.
func TestReadReplaced(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 3)
	w.B.Remove(row[2].Name.String())
	w.A.Put(row[2].Name.String(), row[1].Data)
	got := read(t, w, cover.ReadOptions{})
	got.want(t, span(0, 20))
	got.wantLost(t, cover.Offsets{Base: 20, Next: 30})
}

// Copies that overlap, cut at different offsets, and one that
// was fetched after compaction.
func TestReadOverlaps(t *testing.T) {
	whole := func(base int64, n int) []byte { return covertest.Batch(t, base, n) }
	for _, tt := range []struct {
		name  string
		specs []covertest.Spec
		want  []int64
		whole int
	}{
		{"same batches, other cuts", []covertest.Spec{
			{Base: 0, Next: 20, Batches: [][]byte{whole(0, 10), whole(10, 10)}},
			{Base: 10, Next: 30, Batches: [][]byte{whole(10, 10), whole(20, 10)}},
			{Base: 0, Next: 10, Batches: [][]byte{whole(0, 10)}},
		}, span(0, 30), 3},
		{"one starts in mid-batch", []covertest.Spec{
			{Base: 0, Next: 10, Batches: [][]byte{whole(0, 10)}},
			{Base: 5, Next: 20, Batches: [][]byte{whole(0, 10), whole(10, 10)}},
		}, span(0, 20), 2},
		{"nothing below base", []covertest.Spec{
			{Base: 5, Next: 20, Batches: [][]byte{whole(0, 10), whole(10, 10)}},
		}, span(5, 20), 1},
		{"compacted between", []covertest.Spec{
			{Base: 0, Next: 20, Batches: [][]byte{whole(0, 10), whole(10, 10)}},
			{Base: 0, Next: 20, Batches: [][]byte{covertest.BatchOf(t, 0, 10, []int64{3, 9}), whole(10, 10)}},
		}, span(0, 20), 1},
		{"each lacks what the other has", []covertest.Spec{
			{Base: 0, Next: 10, Batches: [][]byte{covertest.BatchOf(t, 0, 10, []int64{0, 1, 9})}},
			{Base: 0, Next: 10, Batches: [][]byte{covertest.BatchOf(t, 0, 10, []int64{1, 4})}},
		}, []int64{0, 1, 4, 9}, 0},
		{"a whole batch compacted away", []covertest.Spec{
			{Base: 0, Next: 20, Batches: [][]byte{whole(0, 10), whole(10, 10)}},
			{Base: 0, Next: 20, Batches: [][]byte{whole(10, 10)}},
		}, span(0, 20), 2},
		{"no batches at all", []covertest.Spec{
			{Base: 0, Next: 50},
			{Base: 50, Next: 60, Batches: [][]byte{whole(50, 10)}},
		}, span(50, 60), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := covertest.New(t)
			for i, s := range tt.specs {
				w.Store(s, w.Regions()[i%2])
			}
			got := read(t, w, cover.ReadOptions{})
			got.want(t, tt.want)
			got.wantLost(t)
			got.wantFindings(t)
			if got.whole != tt.whole {
				t.Errorf("%d pieces as archived, want %d", got.whole, tt.whole)
			}
		})
	}
}

// An overlapping segment serves what a damaged one cannot.
func TestReadAnotherSegment(t *testing.T) {
	w := covertest.New(t)
	bad := w.Store(covertest.Spec{Base: 0, Next: 20, Batches: [][]byte{covertest.Batch(t, 0, 10), covertest.Batch(t, 10, 10)}})
	w.Store(covertest.Spec{Base: 5, Next: 10, Batches: [][]byte{covertest.Batch(t, 0, 10)}}, w.B)
	for _, r := range w.Regions() {
		r.Flip(bad.Name.String(), int(bad.Footer.Blocks[0].Position)+20)
	}
	got := read(t, w, cover.ReadOptions{})
	got.want(t, span(5, 10))
	got.wantLost(t, cover.Offsets{Base: 0, Next: 5}, cover.Offsets{Base: 10, Next: 20})
}

// An unclean election: two signed copies disagree.
func TestReadConflict(t *testing.T) {
	w := covertest.New(t)
	batch := func(epoch int32, value string) []byte {
		var b recordbatch.Builder
		b.Reset(recordbatch.Options{LeaderEpoch: epoch})
		rec := covertest.Record(0)
		rec.Value = []byte(value)
		if err := b.Append(rec); err != nil {
			t.Fatal(err)
		}
		out, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	w.Store(covertest.Spec{Next: 1, Batches: [][]byte{batch(1, "old")}})
	w.Store(covertest.Spec{Next: 1, Batches: [][]byte{batch(2, string(covertest.Record(0).Value))}})
	got := read(t, w, cover.ReadOptions{})
	got.want(t, span(0, 1))
	got.wantFindings(t, "conflict")
}

func TestReadGap(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 1)
	_, digest := w.Gap(10, 30, row[0].Digest)
	// The gap yields to what was archived after all.
	w.Store(covertest.Spec{Base: 15, Next: 20, Batches: [][]byte{covertest.Batch(t, 15, 5)}})
	w.Store(covertest.Spec{Base: 30, Next: 40, Prev: digest, Batches: [][]byte{covertest.Batch(t, 30, 10)}})
	got := read(t, w, cover.ReadOptions{})
	got.want(t, append(append(span(0, 10), span(15, 20)...), span(30, 40)...))
	got.wantLost(t)
	got.wantFindings(t, "gap", "gap")
}

func TestReadForgedGap(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 1)
	name, _ := w.Gap(10, 30, names.Digest{})
	w.Row(30, 1)
	for _, r := range w.Regions() {
		r.Flip(name.String(), 5)
	}
	got := read(t, w, cover.ReadOptions{})
	got.want(t, append(span(0, 10), span(30, 40)...))
	got.wantLost(t, cover.Offsets{Base: 10, Next: 30})
}

// A batch that was archived with a wrong CRC fails its block; it is not passed
// over in silence.
func TestReadBatchCRC(t *testing.T) {
	w := covertest.New(t)
	bad := covertest.Batch(t, 5, 5)
	bad[len(bad)-1] ^= 1
	w.Store(covertest.Spec{Next: 15, Batches: [][]byte{covertest.Batch(t, 0, 5), bad, covertest.Batch(t, 10, 5)}})
	got := read(t, w, cover.ReadOptions{})
	got.want(t, nil)
	got.wantLost(t, cover.Offsets{Base: 0, Next: 15})
	got.wantFindings(t, "damaged a")
}

func TestReadSkipsBlocks(t *testing.T) {
	w := covertest.New(t)
	s := covertest.Spec{Next: 50, Options: segment.Options{BlockSize: 1}}
	for base := int64(0); base < 50; base += 10 {
		s.Batches = append(s.Batches, covertest.Batch(t, base, 10))
	}
	w.Store(s)
	stats := &cover.ReadStats{}
	got := read(t, w, cover.ReadOptions{SkipBlock: func(b segment.BlockInfo) bool { return b.Base != 20 }, Stats: stats})
	got.want(t, span(20, 30))
	got.wantLost(t)
	if stats.Blocks != 5 || stats.Opened != 1 {
		t.Errorf("%+v, want 1 block of 5 opened", *stats)
	}
}

// A large segment of which little is wanted is read by ranges.
func TestReadByRanges(t *testing.T) {
	w := covertest.New(t)
	s := covertest.Spec{Options: segment.Options{BlockSize: 64 << 10, Compression: block.None}}
	for s.Next < 40_000 {
		s.Batches = append(s.Batches, covertest.Batch(t, s.Next, 1000))
		s.Next += 1000
	}
	whole := int64(len(w.Store(s).Data))
	got := read(t, w, cover.ReadOptions{SkipBlock: func(b segment.BlockInfo) bool { return b.Base > 1000 }})
	got.wantLost(t)
	got.wantFindings(t)
	got = read(t, w, cover.ReadOptions{From: 39_990})
	got.want(t, span(39_990, 40_000))
	got.wantFindings(t)
	if n := w.A.Sent(); n > whole/2 {
		t.Errorf("%d bytes read for a few blocks of a segment of %d", n, whole)
	}
}

func TestReadStops(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 20)
	n := 0
	for _, err := range w.Archive().Read(context.Background(), covertest.Partition, cover.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last error
	for _, err := range w.Archive().Read(ctx, covertest.Partition, cover.ReadOptions{}) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("a cancelled read ended with %v", last)
	}
}
