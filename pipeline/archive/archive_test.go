package archive_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/pipeline/archive"
)

func TestArchivesWhatACommittedReaderSees(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(3, "orders"))
	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}
	for i, c := range codecs {
		w.produce("orders", int32(i%3), 500, kgo.ProducerBatchCompression(c))
	}
	w.transact("t1", "orders", 0, 20, kgo.TryCommit)
	w.transact("t2", "orders", 0, 20, kgo.TryAbort)
	w.transact("t1", "orders", 0, 20, kgo.TryAbort)
	w.transact("t2", "orders", 0, 20, kgo.TryCommit)
	w.transact("t3", "orders", 1, 20, kgo.TryAbort)

	w.catchUp(w.config("orders"))
	w.same("orders", 3)
}

func TestRestartGoesOnAtTheRegionsTail(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 300)
	w.catchUp(w.config("orders"))
	before := w.regions[0].names()

	cfg := w.config("orders")
	cfg.Group = "another-group" // the old group's offsets are gone
	w.produce("orders", 0, 200)
	w.catchUp(cfg)

	w.same("orders", 1)
	if after := w.regions[0].names(); strings.Join(after[:len(before)], "\n") != strings.Join(before, "\n") {
		t.Error("what was archived before was written again under other names")
	}
}

func TestCommitsLastWithTheDigest(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.produce("orders", 0, 300)
	stop := w.run(w.archiver(w.config("orders")))
	w.eventually("everything committed", func() bool { at, _ := w.committed("orders", 0); return at == 300 })
	_, metadata := w.committed("orders", 0)
	must(t, stop())

	last := w.regions[0].allRanges()
	want := "tidemark/1 " + last[len(last)-1].Partition.Lineage.String() + " " + last[len(last)-1].Digest.String()
	if !strings.HasPrefix(metadata, want) {
		t.Errorf("metadata %q, want it to begin with %q", metadata, want)
	}
}

func TestStopStoresAndCommitsWhatIsOpen(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(2, "orders"))
	cfg := w.config("orders")
	cfg.Roll.Age = 1 << 40 // only stopping closes a segment
	var fetched atomic.Int64
	stop := w.run(w.archiver(cfg, func(p *archive.Parts) {
		p.Hooks.Fetched = func(_ archive.Key, _ int, records int64, _ int, _ int64) { fetched.Add(records) }
	}))
	w.produce("orders", 0, 50)
	w.produce("orders", 1, 50)
	w.eventually("everything fetched", func() bool { return fetched.Load() == 100 })
	if n := len(w.regions[0].names()); n != 0 {
		t.Errorf("%d objects stored before stopping", n)
	}
	must(t, stop())
	w.same("orders", 2)
	for p := range int32(2) {
		if at, _ := w.committed("orders", p); at != 50 {
			t.Errorf("partition %d: committed %d, want 50", p, at)
		}
	}
}

func TestARegionThatIsAwayFallsBehindAndIsHealed(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(1, "orders"))
	w.regions[1].set(away)
	stop := w.run(w.archiver(w.config("orders")))
	w.produce("orders", 0, 500)
	w.eventually("region a goes on alone", func() bool { return len(w.archived(0, "orders", 0)) == 500 })
	if at, _ := w.committed("orders", 0); at > 0 {
		t.Errorf("committed %d although region b holds nothing", at)
	}
	w.regions[1].set(nil)
	w.produce("orders", 0, 100)
	w.eventually("both regions are complete and committed", func() bool { at, _ := w.committed("orders", 0); return at == 600 })
	must(t, stop())
	w.same("orders", 1)
}
