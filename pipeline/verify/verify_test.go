package verify_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/verify"
)

func run(t *testing.T, w *covertest.World, deep bool) *verify.Report {
	t.Helper()
	r, err := verify.Run(context.Background(), w.Archive(), verify.Options{Deep: deep})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// short lists findings as "kind region [base, next)".
func short(fs []cover.Finding) []string {
	out := []string{}
	for _, f := range fs {
		s := string(f.Kind)
		if f.Region != "" {
			s += " " + f.Region
		}
		if f.Offsets != nil {
			s += " " + f.Offsets.String()
		}
		out = append(out, s)
	}
	return out
}

func TestSound(t *testing.T) {
	for _, deep := range []bool{false, true} {
		w := covertest.New(t)
		row := w.Row(0, 5)
		_, digest := w.Gap(50, 60, row[4].Digest)
		w.Store(covertest.Spec{Base: 60, Next: 70, Prev: digest, Options: segment.Options{Filter: true}, Batches: [][]byte{covertest.Batch(t, 60, 10)}})
		r := run(t, w, deep)
		if !r.OK() || !r.RegionsEqual {
			t.Fatalf("deep %v: findings in a sound archive: %v", deep, r.Findings)
		}
		p := r.Partitions[0]
		if !slices.Equal(p.Archived, []cover.Offsets{{Base: 0, Next: 50}, {Base: 60, Next: 70}}) || len(p.Missing) > 0 ||
			len(p.Gaps) != 1 || p.Gaps[0].Reason != "retention" || p.Gaps[0].Offsets != (cover.Offsets{Base: 50, Next: 60}) {
			t.Errorf("deep %v: %+v", deep, p)
		}
		want := verify.Totals{Partitions: 1, Segments: 6, Gaps: 1, Copies: 14, Records: 60, Bytes: r.Totals.Bytes, Archived: 60, Known: 10}
		if deep {
			want.Blocks, want.Decoded = 12, 120
		}
		if r.Totals != want {
			t.Errorf("deep %v: totals %+v, want %+v", deep, r.Totals, want)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	}
}

// fault is one thing that goes wrong, and every finding that it makes: no more,
// no less.
type fault struct {
	name string
	harm func(w *covertest.World, row []*segment.Sealed)
	deep bool
	want []string
}

func both(w *covertest.World, f func(r *covertest.Region)) {
	f(w.A)
	f(w.B)
}

func TestFindings(t *testing.T) {
	for _, f := range slices.Concat(damage(), strangers()) {
		t.Run(f.name, func(t *testing.T) {
			w := covertest.New(t)
			row := w.Row(0, 3)
			f.harm(w, row)
			r := run(t, w, f.deep)
			if got := short(r.Findings); !slices.Equal(got, f.want) {
				t.Errorf("findings %v, want %v", got, f.want)
			}
			for _, found := range r.Findings {
				if found.Advice == "" || found.Detail == "" {
					t.Errorf("a finding without advice or detail: %+v", found)
				}
			}
			if again := run(t, w, f.deep); !reflect.DeepEqual(again, r) {
				t.Error("a second run says something else")
			}
		})
	}
}

// damage is what happens to objects of the archive.
func damage() []fault {
	return []fault{
		{"missing in one region", func(w *covertest.World, row []*segment.Sealed) { w.B.Remove(row[1].Name.String()) }, false,
			[]string{"absent b [10, 20)"}},
		{"missing in both", func(w *covertest.World, row []*segment.Sealed) {
			both(w, func(r *covertest.Region) { r.Remove(row[1].Name.String()) })
		}, false, []string{"lost [10, 20)"}},
		{"the first missing in both", func(w *covertest.World, row []*segment.Sealed) {
			both(w, func(r *covertest.Region) { r.Remove(row[0].Name.String()) })
		}, false, []string{"no-beginning"}},
		{"cut short in one region", func(w *covertest.World, row []*segment.Sealed) { w.A.Cut(row[1].Name.String(), -7) }, false,
			[]string{"damaged a [10, 20)"}},
		{"empty in both", func(w *covertest.World, row []*segment.Sealed) {
			both(w, func(r *covertest.Region) { r.Cut(row[1].Name.String(), 0) })
		}, false, []string{"damaged a [10, 20)", "damaged b [10, 20)", "lost [10, 20)"}},
		{"flipped body, by the store's checksum", func(w *covertest.World, row []*segment.Sealed) {
			w.A.Flip(row[1].Name.String(), int(row[1].Footer.Blocks[0].Position)+20)
		}, false, []string{"damaged a [10, 20)"}},
		{"flipped body with the right checksum, shallow", func(w *covertest.World, row []*segment.Sealed) {
			w.A.Put(row[1].Name.String(), covertest.SameCRC(row[1].Data, int(row[1].Footer.Blocks[0].Position)+20))
		}, false, []string{}},
		{"flipped body with the right checksum, deep", func(w *covertest.World, row []*segment.Sealed) {
			w.A.Put(row[1].Name.String(), covertest.SameCRC(row[1].Data, int(row[1].Footer.Blocks[0].Position)+20))
		}, true, []string{"damaged a [10, 20)"}},
		{"the same in both, deep", func(w *covertest.World, row []*segment.Sealed) {
			both(w, func(r *covertest.Region) {
				r.Put(row[1].Name.String(), covertest.SameCRC(row[1].Data, int(row[1].Footer.Blocks[0].Position)+20))
			})
		}, true, []string{"damaged a [10, 20)", "damaged b [10, 20)", "lost [10, 20)"}},
	}
}

// strangers are objects and places that are not what they should be.
func strangers() []fault {
	mallory := signed.NewSigner(signed.RoleArchive, covertest.Key("mallory"))
	return []fault{
		{"forged", func(w *covertest.World, _ []*segment.Sealed) {
			w.Store(covertest.Spec{Base: 20, Next: 30, Signer: mallory, Batches: [][]byte{covertest.Batch(w.T, 20, 10)}}, w.A)
		}, false, []string{"forged a [20, 30)", "absent b [20, 30)"}},
		{"swapped", func(w *covertest.World, row []*segment.Sealed) { w.B.Swap(row[0].Name.String(), row[1].Name.String()) }, false,
			[]string{"misplaced b [0, 10)", "misplaced b [10, 20)"}},
		{"another partition's, beyond the end", func(w *covertest.World, _ []*segment.Sealed) {
			other := covertest.Partition
			other.Number = 4
			long := w.Segment(covertest.Spec{Partition: other, Base: 0, Next: 50, Batches: [][]byte{covertest.Batch(w.T, 0, 50)}})
			long.Name.Partition = covertest.Partition
			w.A.Put(long.Name.String(), long.Data)
		}, false, []string{"misplaced a [0, 50)"}},
		{"key page missing in one region", func(w *covertest.World, _ []*segment.Sealed) { w.B.RemovePage(covertest.Page) }, false,
			[]string{"key-page-missing b [0, 10)", "key-page-missing b [10, 20)", "key-page-missing b [20, 30)"}},
		{"a strange name", func(w *covertest.World, row []*segment.Sealed) { w.B.Put(row[0].Name.String()+"~", nil) }, false,
			[]string{"unknown-name b"}},
		{"signer missing in one region", func(w *covertest.World, _ []*segment.Sealed) { w.A.Remove(names.Signer(w.Archiver.ID())) }, false,
			[]string{"absent a"}},
		{"a signer's file under another name", func(w *covertest.World, _ []*segment.Sealed) {
			name := names.Signer(names.SignerID{7})
			both(w, func(r *covertest.Region) { r.Put(name, w.Introduction(w.Archiver)) })
		}, false, []string{"misplaced a", "misplaced b"}},
		{"topic settings", func(w *covertest.World, _ []*segment.Sealed) {
			file := w.Seal(w.Archiver, signed.KindTopicConfig, map[string]int{"partitions": 4})
			sound := settings(names.Digest(sha256.Sum256(file)).Short())
			both(w, func(r *covertest.Region) { r.Put(sound, file) })
			w.A.Put(settings(names.Short{1}), file)
			w.B.Put(settings(names.Short{1}), w.Seal(mallory, signed.KindTopicConfig, map[string]int{}))
		}, false, []string{"misplaced a", "forged b"}},
		{"a later format", func(w *covertest.World, row []*segment.Sealed) { w.A.Put(row[2].Name.String(), later(row[2])) }, false,
			[]string{"unknown-version a [20, 30)"}},
		{"region down", func(w *covertest.World, _ []*segment.Sealed) { w.B.Down() }, false, []string{"unreachable b", "unreachable b"}},
		{"replaced by another of the same offsets", func(w *covertest.World, row []*segment.Sealed) {
			both(w, func(r *covertest.Region) { r.Remove(row[1].Name.String()) })
			w.Store(covertest.Spec{Base: 9, Next: 20, Batches: [][]byte{covertest.Batch(w.T, 9, 11)}})
		}, false, []string{}},
	}
}

func settings(digest names.Short) string {
	p := covertest.Partition
	return names.TopicConfig(p.Topic, p.Lineage, time.Unix(1_790_000_000, 0), digest)
}

// later is a segment as a format to come might be: same signature rules, a
// version this program does not know.
func later(s *segment.Sealed) []byte {
	data := slices.Clone(s.Data)
	data[9] = 9
	footer := strings.Index(string(data[10:]), "TIDEMARK") + 10
	data[footer+9] = 9
	return data
}

// An object under a wrong predecessor: something between was taken out and
// the rest renumbered by someone with the archiver's key.
func TestChain(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 2)
	w.Store(covertest.Spec{Base: 20, Next: 30, Prev: row[0].Digest, Batches: [][]byte{covertest.Batch(t, 20, 10)}})
	if got := short(run(t, w, false).Findings); !slices.Equal(got, []string{"chain"}) {
		t.Errorf("findings %v", got)
	}
}

// Overlaps are told and are no harm.
func TestOverlap(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 3)
	w.Store(covertest.Spec{Base: 15, Next: 25, Prev: names.Digest{7}, Batches: [][]byte{covertest.Batch(t, 15, 5), covertest.Batch(t, 20, 5)}})
	r := run(t, w, true)
	if !r.OK() {
		t.Errorf("findings %v", r.Findings)
	}
	if got := short(r.Notes); !slices.Equal(got, []string{"overlap [15, 20)", "overlap [20, 25)", "chain"}) {
		t.Errorf("notes %v", got)
	}
}

func TestProgress(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 40)
	var seen []string
	_, err := verify.Run(context.Background(), w.Archive(), verify.Options{Topics: []string{"orders"}, Hook: func(e verify.Event) {
		seen = append(seen, fmt.Sprintf("%d/%d", e.Done, e.Objects))
	}})
	if err != nil || len(seen) != 40 || seen[0] != "1/40" || seen[39] != "40/40" {
		t.Errorf("%v, progress %v", err, seen)
	}
}

func TestRefuses(t *testing.T) {
	w := covertest.New(t)
	w.A.Put(names.Archive, []byte("x"))
	if _, err := verify.Run(context.Background(), w.Archive(), verify.Options{}); err == nil {
		t.Error("another archive's region was verified")
	}
	w.A.Down()
	w.B.Down()
	if _, err := verify.Run(context.Background(), w.Archive(), verify.Options{}); err == nil {
		t.Error("no region answers, and there is no error")
	}
}
