package drill

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// world is a cluster and an archive of it: each batch is a segment.
type world struct {
	*covertest.World
	t      *testing.T
	kafka  *kfake.Cluster
	client *kgo.Client
	ids    map[string]names.TopicID
}

func newWorld(t *testing.T, partitions int32, topics ...string) *world {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.ClusterID("source"), kfake.SeedTopics(partitions, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := &world{World: covertest.New(t), t: t, kafka: c, ids: map[string]names.TopicID{}}
	w.client = w.dial()
	meta, err := kadm.NewClient(w.client).Metadata(t.Context(), topics...)
	if err != nil {
		t.Fatal(err)
	}
	for name, topic := range meta.Topics {
		w.ids[name] = names.TopicID(topic.ID)
	}
	return w
}

func (w *world) dial(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	opts = append(opts, kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	client, err := kgo.NewClient(opts...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return client
}

// odd are records with everything that is easily lost.
func odd(topic string, n int) *kgo.Record {
	r := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "key-%d", n), Value: fmt.Appendf(nil, "value-%d", n), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(n))}
	switch n % 7 {
	case 1:
		r.Key, r.Value = nil, []byte{}
	case 2:
		r.Key, r.Value = []byte{}, nil
	case 3:
		r.Headers = []kgo.RecordHeader{{Key: "h", Value: nil}, {Key: "h", Value: []byte{}}, {Key: "\xff", Value: []byte("x")}}
	case 4:
		r.Timestamp = time.UnixMilli(-1)
	case 5:
		r.Timestamp = time.UnixMilli(0)
	}
	return r
}

// produce writes batches of five records each to every partition.
func (w *world) produce(topic string, partitions int32, batches int) {
	w.t.Helper()
	client := w.dial()
	for p := range partitions {
		for b := range batches {
			var records []*kgo.Record
			for i := range 5 {
				r := odd(topic, 5*b+i)
				r.Partition = p
				records = append(records, r)
			}
			if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// log fetches a partition's batches raw, from an offset on.
func (w *world) log(topic string, partition int32, from int64) [][]byte {
	w.t.Helper()
	var all [][]byte
	r := newReader(w.client, place{topic, partition}, limiter{})
	if err := r.find(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	for {
		part, err := r.fetch(w.t.Context(), from)
		if err != nil {
			w.t.Fatal(err)
		}
		for b, err := range recordbatch.All(part.RecordBatches) {
			if err != nil {
				w.t.Fatal(err)
			}
			all = append(all, slices.Clone(b.Bytes))
			from = b.NextOffset()
		}
		if from >= part.LastStableOffset {
			return all
		}
	}
}

func (w *world) partition(topic string, number int32) names.Partition {
	return names.Partition{Topic: topic, Lineage: names.Lineage{Topic: w.ids[topic], Branch: names.RootBranch}, Number: number}
}

// archive stores what is in Kafka from an offset on, two batches a segment and a
// batch a block, chained. change may make other batches of them.
func (w *world) archive(topic string, number int32, from int64, change func(batch []byte) []byte) []*segment.Sealed {
	w.t.Helper()
	var all []*segment.Sealed
	var prev names.Digest
	for pair := range slices.Chunk(w.log(topic, number, from), 2) {
		base, next := edge(w.t, pair[0]).BaseOffset, edge(w.t, pair[len(pair)-1]).NextOffset()
		if change != nil {
			for i := range pair {
				pair[i] = change(pair[i])
			}
		}
		s := w.Store(covertest.Spec{
			Base: base, Next: next, Prev: prev, Partition: w.partition(topic, number), Batches: pair, Options: segment.Options{BlockSize: 1},
		})
		prev = s.Digest
		all = append(all, s)
	}
	return all
}

func edge(t *testing.T, batch []byte) recordbatch.Header {
	t.Helper()
	h, err := recordbatch.ParseHeader(batch)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// options drill everything to nowhere, and compare with the source.
func (w *world) options(topics ...string) Options {
	return Options{
		Topics: topics, Share: 1, Seed: 7, Source: w.client, Objectives: Objectives{RecoveryTime: time.Minute, RecoveryPoint: time.Minute},
		Program: Program{Version: "test", Go: "go", Platform: "here"},
	}
}

func (w *world) run(o Options) *Result {
	w.t.Helper()
	r, err := Run(w.t.Context(), w.Archive(), w.ID, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// kinds lists the findings as "kind region [base, next)".
func kinds(r *Result) []string {
	out := []string{}
	for _, f := range r.Findings {
		s := string(f.Kind)
		if f.Region != "" {
			s += " " + f.Region
		}
		if f.Offsets != nil {
			s += " " + f.Offsets.String()
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func (w *world) topics() []string {
	w.t.Helper()
	all, err := kadm.NewClient(w.dial()).ListTopics(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return all.Names()
}

// deleteBefore deletes the records below an offset, as retention does.
func (w *world) deleteBefore(topic string, offset int64) {
	w.t.Helper()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, offset, -1)
	if r, err := kadm.NewClient(w.client).DeleteRecords(w.t.Context(), offsets); err != nil || r.Error() != nil {
		w.t.Fatal(err, r.Error())
	}
}

// refuse makes every request of a kind fail with an error.
func (w *world) refuse(key kmsg.Key, answer func(kmsg.Request) kmsg.Response) {
	w.kafka.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		return answer(r), nil, true
	})
}

// forge changes the last byte of the last value of a batch, whose record has no
// headers, and mends its CRC.
func forge(t *testing.T, batch []byte) {
	t.Helper()
	batch[len(batch)-2] ^= 1
	sum := crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(batch[17:], sum)
}

// abort writes records and aborts their transaction.
func (w *world) abort(topic string, n int) {
	w.t.Helper()
	client := w.dial(kgo.TransactionalID("abort"))
	if err := client.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	for i := range n {
		if err := client.ProduceSync(w.t.Context(), odd(topic, i)).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := client.EndTransaction(w.t.Context(), kgo.TryAbort); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) set(topic, name, value string) {
	w.t.Helper()
	r, err := kadm.NewClient(w.client).AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	if err == nil {
		_, err = r.On(topic, nil)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// produceRaw writes one batch of records as they are to partition 0.
func (w *world) produceRaw(topic string, record func(i int) recordbatch.Record, n int) {
	w.t.Helper()
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{})
	for i := range n {
		r := record(i)
		r.Offset = int64(i)
		if err := b.Append(r); err != nil {
			w.t.Fatal(err)
		}
	}
	batch, err := b.Finish()
	if err != nil {
		w.t.Fatal(err)
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 5000
	rt, rp := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	rt.Topic, rt.TopicID, rp.Records = topic, w.ids[topic], batch
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	r := newReader(w.client, place{topic, 0}, limiter{})
	if err := r.find(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.client.Broker(int(r.leader)).Request(w.t.Context(), req)
	if err == nil {
		err = kerr.ErrorForCode(resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) trust() *signed.Trust { return pins(w.t, w.ID, w.Root) }
