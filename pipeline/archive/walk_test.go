package archive

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// rawBatches are n batches of so many records each, in one piece.
func rawBatches(t testing.TB, n, records int) []byte {
	var out []byte
	var b recordbatch.Builder
	for i := range n {
		base := int64(i * records)
		b.Reset(recordbatch.Options{BaseOffset: base, LeaderEpoch: 3})
		for j := range int64(records) {
			if err := b.Append(recordbatch.Record{Offset: base + j, Timestamp: 1, Key: fmt.Appendf(nil, "%d", j), Value: []byte("value")}); err != nil {
				t.Fatal(err)
			}
		}
		raw, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, raw...)
	}
	return out
}

func testFetcher() (*fetcher, *cursor) {
	f := &fetcher{cfg: &Config{Fetch: Fetch{MaxBatchBytes: 1 << 20}}, log: slog.New(slog.DiscardHandler), budget: newBudget(1<<30, func(int64) {}, quiet)}
	c := &cursor{key: Key{"orders", 0}, chunk: make(chan chunk, chunksAhead), epoch: unknownEpoch, until: endless, spans: []span{{to: endless}}, tell: func(func(*Hooks)) {}}
	return f, c
}

// A broker that names a partition again and again in one response must not
// fill the channel: put would wait for ever, with the fetcher's lock.
func TestPartitionCountsOnceInAResponse(t *testing.T) {
	f, c := testFetcher()
	resp := kmsg.NewPtrFetchResponse()
	rt := kmsg.NewFetchResponseTopic()
	rt.Topic = "orders"
	raw := rawBatches(t, 2*chunksAhead, 1)
	for i := range 2 * chunksAhead {
		rp := kmsg.NewFetchResponseTopicPartition()
		rp.RecordBatches = raw[:len(raw)/(2*chunksAhead)*(i+1)]
		rt.Partitions = append(rt.Partitions, rp)
	}
	resp.Topics = append(resp.Topics, rt)
	delivered := make(chan map[*cursor]bool, 1)
	go func() {
		delivered <- f.deliver(context.Background(), resp, []*cursor{c}, (&pin{budget: f.budget}).take())
	}()
	select {
	case moved := <-delivered:
		if !moved[c] || len(c.chunk) != 1 || c.next != 1 {
			t.Errorf("%d chunks, cursor at %d; want one, at 1", len(c.chunk), c.next)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("deliver waits for the partition")
	}
}

// What compaction and retention leave behind a jump is asked for without an
// epoch.
func TestEmptyTailForgetsTheEpoch(t *testing.T) {
	f, c := testFetcher()
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.LastStableOffset, c.epoch = 50, 3
	p := &pin{budget: f.budget}
	for range 2 {
		f.read(c, answer{&rp, true, p})
	}
	if c.next != 50 || f.ask(c).LastFetchedEpoch != unknownEpoch {
		t.Errorf("cursor at %d, epoch %d; want 50 and none", c.next, c.epoch)
	}
}

// The path from the response into the segment allocates by chunk and block,
// never by record, and by batch less than once (a fifth of that, unless the race
// detector empties the pools). Batches of more records fill more blocks.
func TestWalkAndAppendDoNotAllocateByRecord(t *testing.T) {
	const batches = 500
	few, many := allocations(t, rawBatches(t, batches, 1)), allocations(t, rawBatches(t, batches, 40))
	if few > batches || many > few+batches/5 {
		t.Errorf("%.0f allocations for %d batches of one record, %.0f for batches of 40; want at most %d, and no more for more records", few, batches, many, batches)
	}
}

func allocations(t *testing.T, raw []byte) float64 {
	f, c := testFetcher()
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.RecordBatches = raw
	pool, buffer := segment.NewPool(), make([]byte, 0, 4<<20)
	return testing.AllocsPerRun(20, func() {
		p := sealingPartition(t, f, pool, buffer)
		ch, err := f.walk(c, answer{FetchResponseTopicPartition: &rp})
		if err == nil {
			err = p.append(ch)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.sealer.writer.Discard()
	})
}

// sealingPartition has an open segment and no limits.
func sealingPartition(t *testing.T, f *fetcher, pool *segment.Pool, buffer []byte) *partition {
	a := &Archiver{cfg: Config{Roll: Roll{Size: 1 << 30}}, budget: f.budget, pool: pool, cores: make(cores, 1)}
	p := &partition{Archiver: a}
	h := segment.Header{Archive: names.ArchiveID{1}, Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{1}, Branch: names.RootBranch}, Parent: names.RootBranch, Page: names.PageID{1}, Created: time.UnixMilli(1)}
	var err error
	p.sealer.writer, err = segment.NewWriter(h, block.Secret{1}, segment.Options{Filter: true, Buffer: buffer, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
