package floor

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

const testEvents = 5000

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// brokers starts a cluster with a topic of six partitions, one of them empty.
func brokers(t *testing.T) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(6, "orders"))
	must(t, err)
	t.Cleanup(cluster.Close)
	c, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4<<10),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	must(t, err)
	defer c.Close()
	for i := range testEvents {
		c.Produce(t.Context(), &kgo.Record{Topic: "orders", Partition: int32(i % 5), Value: fmt.Appendf(nil, "event %d of the test", i)}, nil)
	}
	must(t, c.Flush(t.Context()))
	return cluster.ListenAddrs()
}

func config(servers []*objectstest.S3) (list []Store) {
	for _, s := range servers {
		c := s.Config()
		list = append(list, Store{Endpoint: c.Endpoint, Bucket: c.Bucket, Region: "us-east-1", AccessKey: c.Credentials.AccessKey, SecretKey: string(c.Credentials.SecretKey)})
	}
	return list
}

func TestFetchReadsEveryEvent(t *testing.T) {
	r, err := Run(t.Context(), Config{Brokers: brokers(t), Topic: "orders", PartitionBytes: 8 << 10})
	must(t, err)
	if r.Events != testEvents || r.Batches == 0 || r.Objects != 0 || r.Wire < testEvents*20 {
		t.Errorf("%+v, want %d events and no objects", r, testEvents)
	}
}

// Every store holds the same objects, which are as long as what was read and
// cannot be read by anybody else. The stores compare each checksum.
func TestSealStoresEverythingTwice(t *testing.T) {
	servers := []*objectstest.S3{objectstest.NewS3(t, objectstest.S3Options{}), objectstest.NewS3(t, objectstest.S3Options{})}
	r, err := Run(t.Context(), Config{
		Mode: Seal, Brokers: brokers(t), Topic: "orders", Stores: config(servers), ObjectSize: 32 << 10, PartitionBytes: 8 << 10,
	})
	must(t, err)
	if r.Events != testEvents || r.Objects < 3 || r.Stored <= r.Wire {
		t.Errorf("%+v, want %d events in some objects", r, testEvents)
	}
	held := [2]map[string][]byte{contents(t, servers[0]), contents(t, servers[1])}
	var stored int64
	for key, body := range held[0] {
		stored += int64(len(body))
		if !bytes.Equal(body, held[1][key]) {
			t.Errorf("%s differs in the two stores", key)
		}
		if bytes.Contains(body, []byte("of the test")) {
			t.Errorf("%s is in clear", key)
		}
	}
	if int64(len(held[0])) != r.Objects || int64(len(held[1])) != r.Objects || stored != r.Stored {
		t.Errorf("%d and %d objects of %d bytes, the result says %+v", len(held[0]), len(held[1]), stored, r)
	}
}

func contents(t *testing.T, s *objectstest.S3) map[string][]byte {
	t.Helper()
	c := s.Config()
	c.Prefix = ""
	store, err := objects.OpenS3(c)
	must(t, err)
	all := map[string][]byte{}
	for o, err := range store.List(t.Context(), "", "") {
		must(t, err)
		body, err := store.Get(t.Context(), o.Key)
		must(t, err)
		all[o.Key] = body
	}
	return all
}

func TestARefusedPutEndsTheRun(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{})
	server.Fault(objectstest.Answer("PUT", 503, "SlowDown"))
	if _, err := Run(t.Context(), Config{Mode: Seal, Brokers: brokers(t), Topic: "orders", Stores: config([]*objectstest.S3{server})}); err == nil {
		t.Error("a run whose object was refused said nothing")
	}
}

// A batch whose checksum is wrong is not sealed: the check is part of the job.
func TestSealChecksEveryBatch(t *testing.T) {
	for _, check := range []bool{true, false} {
		if _, _, err := next(damaged(t), check); (err != nil) != check {
			t.Errorf("check %v: %v", check, err)
		}
	}
}

// damaged is a fetched batch with a bit flipped.
func damaged(t *testing.T) []byte {
	t.Helper()
	shares, err := survey(t.Context(), Config{Brokers: brokers(t), Topic: "orders"})
	must(t, err)
	r, err := dialBroker(t.Context(), shares[0].addr)
	must(t, err)
	defer r.close()
	resp, err := r.fetch(shares[0].request(&job{Config: Config{Topic: "orders", FetchBytes: 1 << 20, PartitionBytes: 1 << 20}}))
	must(t, err)
	raw := bytes.Clone(resp.Topics[0].Partitions[0].RecordBatches)
	raw[80] ^= 1
	return raw
}

func TestUselessConfigsAreRefused(t *testing.T) {
	for _, c := range []Config{
		{}, {Topic: "orders"}, {Brokers: []string{"b:9092"}}, {Topic: "orders", Brokers: []string{"b:9092"}, ObjectSize: -1},
		{Topic: "orders", Brokers: []string{"b:9092"}, Mode: Seal}, {Topic: "orders", Brokers: []string{"b:9092"}, Stores: make([]Store, 1)},
	} {
		if _, err := Run(context.Background(), c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
