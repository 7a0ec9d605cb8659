package local_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/tidemark-io/tidemark/deploy/local"
)

const topic = "orders"

func testContext(t *testing.T) context.Context {
	t.Helper()
	// The first run on a machine builds the S3 server.
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func startKafka(t *testing.T, o local.KafkaOptions) *local.Kafka {
	t.Helper()
	local.Require(t)
	begin := time.Now()
	kafka, err := local.StartKafka(testContext(t), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Kafka %s answered after %s", local.KafkaVersion(), time.Since(begin).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := kafka.Kill(); err != nil {
			t.Error(err)
		}
	})
	return kafka
}

func client(t *testing.T, bootstrap string, o ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(o, kgo.SeedBrokers(strings.Split(bootstrap, ",")...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func createTopic(t *testing.T, c *kgo.Client, partitions int32, replicas int16) {
	t.Helper()
	if _, err := kadm.NewClient(c).CreateTopic(testContext(t), partitions, replicas, nil, topic); err != nil {
		t.Fatal(err)
	}
}

func produce(t *testing.T, c *kgo.Client, value string) {
	t.Helper()
	if err := c.ProduceSync(testContext(t), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// values reads n records from the start of the topic.
func values(t *testing.T, bootstrap string, n int) string {
	t.Helper()
	c := client(t, bootstrap, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var read []string
	for len(read) < n {
		fetches := c.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { read = append(read, string(r.Value)) })
	}
	return strings.Join(read, " ")
}

func TestKafkaKeepsRecordsOverRestartAndKill(t *testing.T) {
	kafka := startKafka(t, local.KafkaOptions{})
	ctx := testContext(t)
	c := client(t, kafka.Bootstrap())
	createTopic(t, c, 1, 1)

	produce(t, c, "one")
	if err := kafka.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	produce(t, c, "two")
	if err := kafka.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := kafka.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	produce(t, c, "three")
	if got := values(t, kafka.Bootstrap(), 3); got != "one two three" {
		t.Errorf("read %q after a restart and a kill", got)
	}
	checkTools(t, kafka)
}

// checkTools runs Kafka's own tools against a cluster that holds one, two and
// three.
func checkTools(t *testing.T, kafka *local.Kafka) {
	t.Helper()
	ctx := testContext(t)
	listed, err := local.JavaTool(ctx, local.TopicTool, "--bootstrap-server", kafka.Bootstrap(), "--list")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(listed)); got != topic {
		t.Errorf("TopicCommand lists %q, want only %q", got, topic)
	}
	segments, err := kafka.Segments(1, topic, 0)
	if err != nil || len(segments) == 0 {
		t.Fatalf("no log files of partition 0: %v", err)
	}
	other := filepath.Join(t.TempDir(), "body.bin")
	if err := os.Link(segments[0], other); err != nil {
		t.Fatal(err)
	}
	dump, err := local.DumpLog(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"payload: one", "payload: two", "payload: three"} {
		if !bytes.Contains(dump, []byte(want)) {
			t.Errorf("no %q in the dump:\n%s", want, dump)
		}
	}
}

func TestKafkaRunsTransactionsAndBothGroupProtocols(t *testing.T) {
	kafka := startKafka(t, local.KafkaOptions{})
	ctx := testContext(t)
	c := client(t, kafka.Bootstrap(), kgo.TransactionalID("local-test"))
	createTopic(t, c, 1, 1)
	transact(t, c, "aborted", kgo.TryAbort)
	transact(t, c, "committed", kgo.TryCommit)
	groups := map[string][]kgo.Opt{
		"classic": {kgo.SessionTimeout(time.Second), kgo.HeartbeatInterval(200 * time.Millisecond)},
		"kip-848": {kgo.ServerSideBalancer()},
	}
	for name, o := range groups {
		o = append(o, kgo.ConsumerGroup(name), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		fetches := client(t, kafka.Bootstrap(), o...).PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%s group: %v", name, err)
		}
		if got := string(fetches.Records()[0].Value); got != "committed" {
			t.Errorf("%s group reads %q first under read_committed", name, got)
		}
	}
}

func transact(t *testing.T, c *kgo.Client, value string, end kgo.TransactionEndTry) {
	t.Helper()
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, c, value)
	if err := c.EndTransaction(testContext(t), end); err != nil {
		t.Fatal(err)
	}
}

func TestThreeBrokersSurviveTheLossOfOne(t *testing.T) {
	kafka := startKafka(t, local.KafkaOptions{Brokers: 3, JVM: []string{"-Xmx400m"}})
	ctx := testContext(t)
	c := client(t, kafka.Bootstrap())
	createTopic(t, c, 1, 3)
	produce(t, c, "one")
	if err := kafka.Nodes[0].Kill(); err != nil {
		t.Fatal(err)
	}
	produce(t, c, "two")
	if err := kafka.Nodes[0].Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if got := values(t, kafka.Bootstrap(), 2); got != "one two" {
		t.Errorf("read %q after one of three was lost", got)
	}
}

func TestKafkaListenerWithPasswords(t *testing.T) {
	kafka := startKafka(t, local.KafkaOptions{
		Listeners: []local.Listener{{Name: "SASL", Protocol: "SASL_PLAINTEXT"}},
		Properties: map[string]string{
			"listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
			"listener.name.sasl.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required ` +
				`user_alice="wonder";`,
		},
	})
	ctx := testContext(t)
	for password, welcome := range map[string]bool{"wonder": true, "wrong": false} {
		c := client(t, kafka.BootstrapOf("SASL"), kgo.SASL(plain.Auth{User: "alice", Pass: password}.AsMechanism()))
		if err := c.Ping(ctx); (err == nil) != welcome {
			t.Errorf("password %q: %v", password, err)
		}
	}
}

func TestKafkaErrorShowsTheLog(t *testing.T) {
	local.Require(t)
	_, err := local.StartKafka(testContext(t), t.TempDir(), local.KafkaOptions{Properties: map[string]string{"num.io.threads": "0"}})
	if err == nil || !strings.Contains(err.Error(), "num.io.threads") {
		t.Errorf("a refused property gives %v, which does not name it", err)
	}
}
