package restore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

var firstLife = names.Lineage{Topic: names.TopicID{1}, Branch: names.RootBranch}

// shelves is an archive in memory: the batches of each partition.
type shelves map[names.Partition]*shelf

type shelf struct {
	batches [][]byte
	gaps    []Gap
	parent  *names.Lineage
	// piece changes how batches are handed out.
	piece func(batch []byte) Piece
	// broken is an error to come after the batches.
	broken error
}

func orders(number int32) names.Partition {
	return names.Partition{Topic: "orders", Lineage: firstLife, Number: number}
}

func (s shelves) Partitions(_ context.Context, topic string) ([]names.Partition, error) {
	var found []names.Partition
	for p := range s {
		if p.Topic == topic || topic == "" {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b names.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), int(a.Lineage.Topic[0])-int(b.Lineage.Topic[0]), int(a.Number-b.Number))
	})
	return found, nil
}

// Lives are as old as their ids are low.
func (s shelves) Lives(ctx context.Context, topic string) ([]Life, error) {
	found, err := s.Partitions(ctx, topic)
	var lives []Life
	for _, p := range found {
		if n := len(lives); n == 0 || lives[n-1].ID != p.Lineage.Topic {
			made := time.UnixMilli(1000 * int64(n))
			lives = append(lives, Life{ID: p.Lineage.Topic, First: made, Last: made, MaxTimestamp: segment.NoTimestamp})
		}
	}
	return lives, err
}

func (s shelves) Setups(context.Context, string, names.TopicID) ([]Setup, error) { return nil, nil }

func (s shelves) Survey(_ context.Context, p names.Partition) (Survey, error) {
	sv := Survey{Gaps: s[p].gaps, Parent: s[p].parent}
	for _, b := range s[p].batches {
		h, err := recordbatch.ParseHeader(b)
		if err != nil {
			return Survey{}, err
		}
		sv.Segments = append(sv.Segments, Segment{
			Name: fmt.Sprintf("%s/%d", p, h.BaseOffset), Base: h.BaseOffset, Next: h.NextOffset(),
			Records: int64(h.Count), Bytes: int64(len(b)), MaxTimestamp: h.MaxTimestamp, Transactional: transactional([]segment.BlockInfo{blockOf(b)}),
		})
	}
	return sv, nil
}

func (s shelves) Read(_ context.Context, p names.Partition, from, next int64, skip func(segment.BlockInfo) bool) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		for _, b := range s[p].batches {
			h, _ := recordbatch.ParseHeader(b)
			if h.NextOffset() <= from || h.BaseOffset >= next || skip != nil && skip(blockOf(b)) {
				continue
			}
			piece := Piece(wholePiece(b))
			if s[p].piece != nil {
				piece = s[p].piece(b)
			}
			if h.BaseOffset < from || h.NextOffset() > next {
				piece = windowPiece{wholePiece(b), from, next}
			}
			if !yield(piece, nil) {
				return
			}
		}
		if s[p].broken != nil {
			yield(nil, s[p].broken)
		}
	}
}

// blocks remembers what blockOf found, by the first byte of the batch.
var blocks sync.Map

func blockOf(b []byte) segment.BlockInfo {
	known, ok := blocks.Load(&b[0])
	if !ok {
		known, _ = blocks.LoadOrStore(&b[0], describeBlock(b))
	}
	return known.(segment.BlockInfo)
}

func describeBlock(b []byte) segment.BlockInfo {
	h, _ := recordbatch.ParseHeader(b)
	block := segment.BlockInfo{
		Base: h.BaseOffset, Next: h.NextOffset(), MinTimestamp: h.MaxTimestamp, MaxTimestamp: h.MaxTimestamp,
		Transactional: h.IsTransactional(), Control: h.IsControl(),
	}
	for rec, err := range recordbatch.NewDecoder(0).Records(b) {
		if err != nil {
			return segment.BlockInfo{MinTimestamp: segment.NoTimestamp}
		}
		block.MinTimestamp = min(block.MinTimestamp, rec.Timestamp)
	}
	return block
}

type wholePiece []byte

func (p wholePiece) Whole() (recordbatch.Header, []byte, bool) {
	h, err := recordbatch.ParseHeader(p)
	return h, p, err == nil
}

func (p wholePiece) Records(d *recordbatch.Decoder) iter.Seq2[recordbatch.Record, error] {
	return d.Records(p)
}

func (p wholePiece) Header() recordbatch.Header {
	h, _ := recordbatch.ParseHeader(p)
	return h
}

func (p wholePiece) IsControl() bool { return p.Header().IsControl() }

// clippedPiece hides that it is a whole batch, as pieces at the edge of a
// segment do.
type clippedPiece struct{ wholePiece }

func (p clippedPiece) Whole() (recordbatch.Header, []byte, bool) {
	return recordbatch.Header{}, nil, false
}

// windowPiece is the part of a batch that lies within what is read.
type windowPiece struct {
	wholePiece
	from, next int64
}

func (p windowPiece) Whole() (recordbatch.Header, []byte, bool) {
	return recordbatch.Header{}, nil, false
}

func (p windowPiece) Records(d *recordbatch.Decoder) iter.Seq2[recordbatch.Record, error] {
	return func(yield func(recordbatch.Record, error) bool) {
		for rec, err := range p.wholePiece.Records(d) {
			in := rec.Offset >= p.from && rec.Offset < p.next
			if (in || err != nil) && !yield(rec, err) {
				return
			}
		}
	}
}

// batch builds one batch; the first record's offset is its base.
func batch(t testing.TB, opts recordbatch.Options, recs ...recordbatch.Record) []byte {
	t.Helper()
	opts.BaseOffset, opts.LeaderEpoch = recs[0].Offset, 3
	var b recordbatch.Builder
	b.Reset(opts)
	for _, r := range recs {
		if err := b.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	built, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(built)
}

// rec makes a record whose content tells its offset.
func rec(offset, timestamp int64) recordbatch.Record {
	return recordbatch.Record{
		Offset: offset, Timestamp: timestamp,
		Key: fmt.Appendf(nil, "key-%d", offset%7), Value: fmt.Appendf(nil, "value-%d", offset),
		Headers: []recordbatch.RecordHeader{{Key: []byte("h"), Value: fmt.Appendf(nil, "%d", offset)}},
	}
}

// expected is the oracle: what the cut rule says comes back, computed from the
// records and not by the code under test.
func expected(t testing.TB, s *shelf, to int64) []recordbatch.Record {
	t.Helper()
	var want []recordbatch.Record
	for _, b := range s.batches {
		h, err := recordbatch.ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		if h.IsControl() {
			continue
		}
		for r, err := range recordbatch.NewDecoder(0).Records(b) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Timestamp <= to {
				r.Offset = int64(len(want))
				r.Headers = slices.Clone(r.Headers)
				want = append(want, r)
			}
		}
	}
	return want
}

// cluster is a kfake cluster and a client of it.
func cluster(t testing.TB, opts ...kfake.Opt) (*kfake.Cluster, *kgo.Client) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.ClusterID("target")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, dial(t, c)
}

func dial(t testing.TB, c *kfake.Cluster) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RetryTimeout(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// read consumes a whole partition with an ordinary consumer.
func read(t testing.TB, seeds []string, topic string, partition int32) []recordbatch.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {partition: kgo.NewOffset().AtStart()},
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ends, err := (&target{client: client}).offsets(ctx, topic, partition+1, latestOffset)
	if err != nil {
		t.Fatal(err)
	}
	var got []recordbatch.Record
	for int64(len(got)) < ends[partition] {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read back %s/%d after %d of %d records: %v", topic, partition, len(got), ends[partition], err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, readBack(r)) })
	}
	return got
}

func readBack(r *kgo.Record) recordbatch.Record {
	back := recordbatch.Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		back.Headers = append(back.Headers, recordbatch.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return back
}

// same compares records to the byte; null and empty are different.
func same(t testing.TB, what string, got, want []recordbatch.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d records came back, want %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if g, w := fmt.Sprintf("%#v", got[i]), fmt.Sprintf("%#v", want[i]); g != w {
			t.Fatalf("%s: record %d is\n%s, want\n%s", what, i, g, w)
		}
	}
}

func at(ms int64) time.Time { return time.UnixMilli(ms) }

func request(to int64) Request {
	return Request{To: at(to), Topics: map[string]string{"orders": "restored"}}
}

func plan(t testing.TB, s Source, client *kgo.Client, r Request) *Plan {
	t.Helper()
	p, err := NewPlan(t.Context(), s, r, client)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
