package e2e

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// open opens the archive within this process, to read what no verb shows: one region by itself.
func (a *archive) open(t *testing.T) *wire.Archive {
	t.Helper()
	cfg, err := config.Load(a.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := wire.Open(t.Context(), cfg, slog.New(slog.DiscardHandler), wire.ForProof)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	if err := opened.Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	return opened
}

// checkRegions compares what each region holds, read without the other, with the ledger.
func (a *archive) checkRegions(t *testing.T, l *events.Ledger) {
	t.Helper()
	opened := a.open(t)
	for _, r := range opened.Regions {
		alone, err := cover.New(opened.Trust, []cover.Region{r.Cover()})
		if err != nil {
			t.Fatal(err)
		}
		var all events.Findings
		for _, at := range l.Places() {
			all.Add(checkPlace(t, alone, l, at))
		}
		expectClean(t, "region "+r.Name+" alone", all)
	}
}

func checkPlace(t *testing.T, alone *cover.Archive, l *events.Ledger, at events.Place) events.Findings {
	t.Helper()
	check := l.CheckByOffset(at)
	parts, err := alone.Partitions(t.Context(), at.Topic)
	if err != nil {
		t.Fatal(err)
	}
	decoder := recordbatch.NewDecoder(0)
	for _, p := range parts {
		if p.Number != at.Partition {
			continue
		}
		for piece, err := range alone.Read(t.Context(), p, cover.ReadOptions{}) {
			if err != nil {
				t.Errorf("read %s: %v", p, err)
				break
			}
			if piece.IsControl() {
				continue
			}
			for r, err := range piece.Records(decoder) {
				if err != nil {
					t.Fatalf("decode %s: %v", p, err)
				}
				check.Take(r)
			}
		}
	}
	return check.Finish()
}

// names lists a region by the store's own client.
func (a *archive) names(t *testing.T, region int, bucket string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	list := store(t, a.w.stores[region]).ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Prefix: a.name + "/", Recursive: true})
	for info := range list {
		if info.Err != nil {
			t.Fatal(info.Err)
		}
		found[info.Key] = info.Size
	}
	return found
}

// segments are the names of a region's segments, sorted.
func (a *archive) segments(t *testing.T, region int) []string {
	t.Helper()
	var all []string
	for name := range a.names(t, region, dataBucket) {
		if strings.HasSuffix(name, ".seg") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// file is where an S3 server keeps the newest version of an object.
func (a *archive) file(region int, bucket, name string) string {
	return filepath.Join(a.w.stores[region].ObjectDir(), bucket, filepath.FromSlash(name))
}

// sameNames expects both regions to hold objects of the same names and sizes.
func (a *archive) sameNames(t *testing.T) {
	t.Helper()
	first, second := a.names(t, 0, dataBucket), a.names(t, 1, dataBucket)
	for name, size := range first {
		if second[name] != size {
			t.Errorf("%s: %d bytes in region a, %d in region b", name, size, second[name])
		}
	}
	for name := range second {
		if _, ok := first[name]; !ok {
			t.Errorf("%s is in region b only", name)
		}
	}
	t.Logf("both regions hold the same %d objects", len(first))
}
