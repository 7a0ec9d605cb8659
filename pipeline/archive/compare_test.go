package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// consume reads a partition with franz-go's own consumer, read committed, from
// the log's start to its end: the oracle.
func (w *world) consume(topic string, partition int32) []string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ends, err := w.admin.ListCommittedOffsets(ctx, topic)
	must(w.t, err)
	end, _ := ends.Lookup(topic, partition)
	c := w.client(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
	defer c.Close()
	var out []string
	for at := int64(0); at < end.Offset; {
		fs := c.PollFetches(ctx)
		must(w.t, fs.Err())
		fs.EachRecord(func(r *kgo.Record) {
			at = r.Offset + 1
			if !r.Attrs.IsControl() {
				out = append(out, describe(r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, headers(r.Headers)))
			}
		})
	}
	return out
}

func headers(hs []kgo.RecordHeader) (out []recordbatch.RecordHeader) {
	for _, h := range hs {
		out = append(out, recordbatch.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return out
}

func describe(offset, at int64, key, value []byte, hs []recordbatch.RecordHeader) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d %q/%t %q/%t", offset, at, key, key == nil, value, value == nil)
	for _, h := range hs {
		fmt.Fprintf(&b, " %s=%q/%t", h.Key, h.Value, h.Value == nil)
	}
	return b.String()
}

// archived reads a partition out of one region: every offset once, whatever
// overlaps.
func (w *world) archived(region int, topic string, partition int32) []string {
	w.t.Helper()
	r := w.regions[region]
	seen := map[int64]string{}
	d := recordbatch.NewDecoder(0)
	for _, n := range r.allRanges() {
		if n.Partition.Topic != topic || n.Partition.Number != partition || n.Kind != names.KindSegment {
			continue
		}
		for _, batch := range w.open(r, n) {
			for rec, err := range d.Records(batch.Bytes) {
				must(w.t, err)
				if batch.IsControl() || rec.Offset < n.Base {
					continue
				}
				text := describe(rec.Offset, rec.Timestamp, rec.Key, rec.Value, rec.Headers)
				if old, ok := seen[rec.Offset]; ok && old != text {
					w.t.Fatalf("offset %d: two contents:\n%s\n%s", rec.Offset, old, text)
				}
				seen[rec.Offset] = text
			}
		}
	}
	return inOrder(seen)
}

func inOrder(seen map[int64]string) []string {
	var offsets []int64
	for o := range seen {
		offsets = append(offsets, o)
	}
	slices.Sort(offsets)
	var out []string
	for _, o := range offsets {
		out = append(out, seen[o])
	}
	return out
}

func (w *world) open(r *memoryRegion, n names.Range) []recordbatch.Batch {
	w.t.Helper()
	data := r.object(n.String())
	seg, err := segment.Open(bytes.NewReader(data), int64(len(data)), w.trust)
	must(w.t, err)
	must(w.t, seg.CheckName(n.String()))
	if !r.hasPage(seg.Header().Page) {
		w.t.Errorf("region %s: %s is there before its key page", r.name, n)
	}
	secret := w.secrets.get(seg.Header().Page, seg.Header().Slot)
	var out []recordbatch.Batch
	for i := range seg.Footer().Blocks {
		body, err := seg.Block(i, secret, nil)
		must(w.t, err)
		for b, err := range recordbatch.All(body) {
			must(w.t, err)
			out = append(out, b)
		}
	}
	return out
}

// same fails unless both regions hold exactly what a read_committed consumer
// reads.
func (w *world) same(topic string, partitions int32) {
	w.t.Helper()
	for p := range partitions {
		want := w.consume(topic, p)
		for i := range w.regions {
			got := w.archived(i, topic, p)
			if !slices.Equal(got, want) {
				w.t.Errorf("region %s, %s/%d: %d records, want %d; first difference at %d", w.regions[i].name, topic, p, len(got), len(want), firstDifference(got, want))
			}
		}
	}
}

func firstDifference(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
