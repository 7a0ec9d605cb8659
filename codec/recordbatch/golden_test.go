package recordbatch

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// These tests hold the package against franz-go, which shares no code with it:
// franz-go writes and we read, then the other way round.

const goldenTopic = "orders"

var kgoCodecs = map[Codec]kgo.CompressionCodec{
	CodecNone:   kgo.NoCompression(),
	CodecGzip:   kgo.GzipCompression(),
	CodecSnappy: kgo.SnappyCompression(),
	CodecLZ4:    kgo.Lz4Compression(),
	CodecZstd:   kgo.ZstdCompression(),
}

func TestReadsWhatFranzGoWrites(t *testing.T) {
	for codec, option := range kgoCodecs {
		t.Run(codec.String(), func(t *testing.T) {
			broker := startBroker(t)
			want := awkwardRecords()
			client := broker.client(t, kgo.ProducerBatchCompression(option), kgo.ProducerLinger(100*time.Millisecond),
				kgo.RecordPartitioner(kgo.ManualPartitioner()))
			if err := client.ProduceSync(t.Context(), toKgo(want)...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			raw := broker.fetch(t)
			compareRecords(t, decodeAll(t, raw), want)
			compareHeaders(t, raw, codec)
		})
	}
}

// compareHeaders reads every batch header with kmsg as well.
func compareHeaders(t *testing.T, raw []byte, codec Codec) {
	t.Helper()
	for batch, err := range All(raw) {
		if err != nil {
			t.Fatal(err)
		}
		var k kmsg.RecordBatch
		if err := k.ReadFrom(batch.Bytes); err != nil {
			t.Fatal(err)
		}
		want := Header{
			BaseOffset: k.FirstOffset, Length: k.Length, PartitionLeaderEpoch: k.PartitionLeaderEpoch, Magic: k.Magic,
			CRC: uint32(k.CRC), Attributes: k.Attributes, LastOffsetDelta: k.LastOffsetDelta,
			BaseTimestamp: k.FirstTimestamp, MaxTimestamp: k.MaxTimestamp, ProducerID: k.ProducerID,
			ProducerEpoch: k.ProducerEpoch, BaseSequence: k.FirstSequence, Count: k.NumRecords,
		}
		if batch.Header != want {
			t.Errorf("header is %+v, kmsg reads %+v", batch.Header, want)
		}
		if batch.Codec() != codec {
			t.Errorf("codec is %v, want %v", batch.Codec(), codec)
		}
	}
}

func TestFranzGoReadsWhatWeWrite(t *testing.T) {
	for codec := range kgoCodecs {
		t.Run(codec.String(), func(t *testing.T) {
			broker := startBroker(t)
			want := awkwardRecords()
			batch := build(t, Options{Codec: codec, LeaderEpoch: -1}, want)
			broker.produce(t, batch)
			compareRecords(t, broker.consume(t, len(want)), want)
		})
	}
}

func TestFranzGoReadsWhatSetProducerMade(t *testing.T) {
	broker := startBroker(t)
	want := renumber(awkwardRecords(), 1000)
	batch := build(t, Options{
		BaseOffset: 1000, Codec: CodecZstd, LeaderEpoch: 7, Transactional: true,
		Producer: &Producer{ID: 12, Epoch: 3, Sequence: 44},
	}, want)
	pid, epoch := broker.producerID(t)
	if !SetProducer(batch, pid, epoch, 0) {
		t.Fatal("refused")
	}
	broker.produce(t, batch)
	compareRecords(t, broker.consume(t, len(want)), renumber(want, 0))
}

// broker is a kfake cluster of one, with one topic of one partition.
type broker struct {
	cluster *kfake.Cluster
	admin   *kgo.Client
	topicID [16]byte
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, goldenTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := &broker{cluster: cluster}
	b.admin = b.client(t)
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr(goldenTopic)
	req.Topics = append(req.Topics, topic)
	meta, err := req.RequestWith(t.Context(), b.admin)
	if err != nil {
		t.Fatal(err)
	}
	b.topicID = meta.Topics[0].TopicID
	return b
}

func (b *broker) client(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append(opts, kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.DefaultProduceTopic(goldenTopic))
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// fetch gives the partition's record set as the broker sent it.
func (b *broker) fetch(t *testing.T) []byte {
	t.Helper()
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 100, 1, 64<<20
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = goldenTopic, b.topicID
	part := kmsg.NewFetchRequestTopicPartition()
	part.PartitionMaxBytes = 64 << 20
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(t.Context(), b.admin)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Topics[0].Partitions[0].RecordBatches
}

func (b *broker) produce(t *testing.T, batch []byte) {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 5000
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.TopicID = goldenTopic, b.topicID
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = batch
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(t.Context(), b.admin)
	if err != nil {
		t.Fatal(err)
	}
	if p := resp.Topics[0].Partitions[0]; p.ErrorCode != 0 {
		t.Fatalf("produce: error code %d", p.ErrorCode)
	}
}

func (b *broker) producerID(t *testing.T) (int64, int16) {
	t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.ProducerID, req.ProducerEpoch = -1, -1
	resp, err := req.RequestWith(t.Context(), b.admin)
	if err != nil {
		t.Fatal(err)
	}
	return resp.ProducerID, resp.ProducerEpoch
}

func (b *broker) consume(t *testing.T, n int) []Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client := b.client(t, kgo.ConsumeTopics(goldenTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var got []Record
	for len(got) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d of %d records: %v", len(got), n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, fromKgo(r)) })
	}
	return got
}

func toKgo(records []Record) []*kgo.Record {
	var out []*kgo.Record
	for _, r := range records {
		k := &kgo.Record{Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.Timestamp)}
		for _, h := range r.Headers {
			k.Headers = append(k.Headers, kgo.RecordHeader{Key: string(h.Key), Value: h.Value})
		}
		out = append(out, k)
	}
	return out
}

func fromKgo(k *kgo.Record) Record {
	r := Record{Offset: k.Offset, Timestamp: k.Timestamp.UnixMilli(), Key: k.Key, Value: k.Value}
	for _, h := range k.Headers {
		r.Headers = append(r.Headers, RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return r
}

// awkwardRecords are what other tools lose on the way.
func awkwardRecords() []Record {
	const day = 24 * 60 * 60 * 1000
	now := int64(1_790_000_000_000)
	text := func(s string) []byte { return []byte(s) }
	records := []Record{
		{Timestamp: now, Key: text("order-1"), Value: text(`{"total":12}`)},
		{Timestamp: now - 25*day, Key: nil, Value: text("null key")},
		{Timestamp: now + 25*day, Key: text(""), Value: text("")},
		{Timestamp: 0, Key: text("tombstone"), Value: nil},
		{Timestamp: -1, Key: nil, Value: nil},
		{Timestamp: 7_258_118_400_000, Key: text("\xff\xfe\x00"), Value: text("year 2200, no UTF-8")},
		{Timestamp: now, Key: text("repeated"), Value: bytes.Repeat(text("abcdefgh"), 20_000), Headers: []RecordHeader{
			{Key: text("a"), Value: text("1")},
			{Key: text("a"), Value: text("2")},
			{Key: text("a"), Value: nil},
			{Key: text(""), Value: text("")},
			{Key: text("\xc3\x28"), Value: text("\x00\xff")},
		}},
		{Timestamp: now, Key: text("many headers"), Value: text("v")},
	}
	last := &records[len(records)-1]
	for i := range 10_000 {
		last.Headers = append(last.Headers, RecordHeader{Key: fmt.Appendf(nil, "h%d", i%100), Value: fmt.Append(nil, i)})
	}
	return renumber(records, 0)
}
