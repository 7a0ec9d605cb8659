package e2e

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/deploy/local"
)

// The buckets of both S3 servers: segments under Object Lock, keys with versions.
const (
	dataBucket = "tidemark"
	keysBucket = "tidemark-keys"
)

// saslUser may log in by the listener SASL.
const (
	saslListener = "SASL"
	saslUser     = "archiver"
	saslPassword = "the-archivers-canary"
)

// brokerSettings make the broker's own housekeeping, which a test waits for, run within a second instead of minutes.
var brokerSettings = map[string]string{
	"log.initial.task.delay.ms":       "100",
	"log.retention.check.interval.ms": "500",
	"log.cleaner.backoff.ms":          "200",
	"message.max.bytes":               strconv.Itoa(16 << 20),

	"sasl.enabled.mechanisms": "PLAIN",
	"listener.name.sasl.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required user_` +
		saslUser + `="` + saslPassword + `";`,
}

// world is what the tests share.
type world struct {
	kafka   *local.Kafka
	stores  [2]*local.S3
	program string
	seed    uint64
	// replicas of the topics that are made; 0 means 1.
	replicas int16
	client   *kgo.Client
	admin    *kadm.Client
}

// TestRealParts is the one test; its subtests share the servers.
func TestRealParts(t *testing.T) {
	local.Require(t)
	w := newWorld(t)
	for _, one := range alone {
		t.Run(one.name, func(t *testing.T) { w.timed(t, one) })
	}
	for _, one := range together {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			w.timed(t, one)
		})
	}
}

// subject is one subtest.
type subject struct {
	name string
	test func(*testing.T, *world)
}

// alone are the subjects that stop or freeze the shared servers.
var alone = []subject{
	{"drill", testDrill},
	{"outage", testOutage},
	{"chaos", testChaos},
	{"brokers", testBrokers},
}

// together are those that wait more than they work, each on topics and an archive of its own: as many run side by side as there
// are processors (-parallel).
var together = []subject{
	{"kcat", testKcat},
	{"odd", testOdd},
	{"dump", testDump},
	{"group", testGroup},
	{"stop", testStop},
	{"sasl", testSASL},
	{"restore", testRestore},
	{"cut", testCut},
	{"cut by order", testCutOld},
	{"marks", testMarks},
	{"beside", testBeside},
	{"ledger", testLedger},
	{"postgres", testPostgres},
	{"files", testFiles},
	{"damage", testDamage},
	{"recreated", testRecreated},
	{"compacted", testCompacted},
	{"deleted", testDeleted},
	{"retention", testRetention},
	{"growing", testGrowing},
	{"taken", testTaken},
	{"balancer", testBalancer},
	{"successor", testSuccessor},
}

// timed runs a subject and says how long it took.
func (w *world) timed(t *testing.T, s subject) {
	begin := time.Now()
	s.test(t, w)
	t.Logf("%s: %.1f s", s.name, time.Since(begin).Seconds())
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{program: filepath.Join(t.TempDir(), "tidemark"), seed: chooseSeed(t)}
	t.Logf("seed %d, Apache Kafka %s", w.seed, local.KafkaVersion())
	if err := w.start(t); err != nil {
		t.Fatal(err)
	}
	w.client = w.dial(t)
	w.admin = kadm.NewClient(w.client)
	for _, s := range w.stores {
		makeBuckets(t, s)
	}
	return w
}

// start builds the program and starts the servers, side by side.
func (w *world) start(t *testing.T) error {
	var wg sync.WaitGroup
	errs := make([]error, 3)
	wg.Go(func() { errs[0] = build(t.Context(), w.program) })
	wg.Go(func() { errs[1] = w.startKafka(t) })
	wg.Go(func() { errs[2] = w.startStores(t) })
	wg.Wait()
	return errors.Join(errs...)
}

func (w *world) startKafka(t *testing.T) (err error) {
	w.kafka, err = local.StartKafka(t.Context(), t.TempDir(), local.KafkaOptions{
		Listeners:  []local.Listener{{Name: saslListener, Protocol: "SASL_PLAINTEXT"}},
		Properties: brokerSettings,
	})
	if err == nil {
		t.Cleanup(func() { _ = w.kafka.Kill() })
	}
	return err
}

func (w *world) startStores(t *testing.T) error {
	for i := range w.stores {
		s, err := local.StartS3(t.Context(), t.TempDir(), local.S3Options{})
		if err != nil {
			return err
		}
		w.stores[i] = s
		t.Cleanup(func() { _ = s.Kill() })
	}
	return nil
}

func build(ctx context.Context, program string) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/tidemark-io/tidemark/cmd/tidemark").CombinedOutput()
	if err != nil {
		return errors.New(string(out))
	}
	return nil
}

func chooseSeed(t *testing.T) uint64 {
	text := os.Getenv("TIDEMARK_E2E_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("TIDEMARK_E2E_SEED: %v", err)
	}
	return seed
}

// random gives a test its own stream of choices.
func (w *world) random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(w.seed, stream)) }

// dial opens a Kafka client that closes with the test.
func (w *world) dial(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.seeds()...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// store opens an S3 server as somebody with every right.
func store(t *testing.T, s *local.S3) *minio.Client {
	t.Helper()
	c, err := minio.New(s.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""), Region: s.Region})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func makeBuckets(t *testing.T, s *local.S3) {
	t.Helper()
	c := store(t, s)
	err := errors.Join(
		c.MakeBucket(t.Context(), dataBucket, minio.MakeBucketOptions{ObjectLocking: true}),
		c.MakeBucket(t.Context(), keysBucket, minio.MakeBucketOptions{}),
		c.EnableVersioning(t.Context(), keysBucket))
	if err != nil {
		t.Fatal(err)
	}
}

// makeTopic makes a topic with these settings.
func (w *world) makeTopic(t *testing.T, name string, partitions int32, settings map[string]string) {
	t.Helper()
	configs := make(map[string]*string, len(settings))
	for k, v := range settings {
		configs[k] = &v
	}
	if _, err := w.admin.CreateTopic(t.Context(), partitions, max(1, w.replicas), configs, name); err != nil {
		t.Fatalf("make topic %s: %v", name, err)
	}
}

// alter gives a topic a setting.
func (w *world) alter(t *testing.T, topic, name, value string) {
	t.Helper()
	r, err := w.admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	if err == nil {
		_, err = r.On(topic, nil)
	}
	if err != nil {
		t.Fatalf("set %s of %s: %v", name, topic, err)
	}
}

// until polls what nobody announces.
func until(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("after %s still not: %s", limit, what)
		}
	}
}

func (w *world) seeds() []string { return strings.Split(w.kafka.Bootstrap(), ",") }
