package local

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// plaintextListener is always there: the brokers talk to each other through it
// and readiness is asked through it.
const plaintextListener = "PLAINTEXT"

// KafkaOptions say what [StartKafka] starts; the zero value is one node.
type KafkaOptions struct {
	// Brokers is the number of nodes, each broker and controller; 0 means 1.
	// With 3, topics that Kafka makes for itself have three replicas.
	Brokers int
	// Port is the first node's; the others take the ports after it. 0 means any
	// free ones.
	Port int
	// Listeners are added beside PLAINTEXT, each on a port of its own.
	Listeners []Listener
	// Properties are added to every server.properties and win over what is there
	// already; "listener.name.<name>.…" belongs to one of Listeners.
	Properties map[string]string
	// JVM flags come after the default ones (a 768 MiB heap, the serial
	// collector, the quick compiler only) and so win over them. For measurements
	// of the broker itself give -XX:TieredStopAtLevel=4.
	JVM []string
	// Detached nodes go on when this process ends.
	Detached bool
}

// Listener is one more way into each broker.
type Listener struct {
	Name     string // upper case, such as "SASL"
	Protocol string // SASL_PLAINTEXT, SSL or SASL_SSL
}

// Kafka is a running cluster.
type Kafka struct {
	// Nodes are the processes; node ids count from 1, so Nodes[0] has id 1.
	Nodes []*Process

	dir       string
	clusterID string
	layout    []node
}

// StartKafka starts a KRaft cluster that keeps everything under dir and returns
// when every broker answers and knows all others. Data that an earlier cluster
// left there is used again. Topics are not made on first use, group rebalances
// start at once, and sessions may be as short as a second.
//
// ctx bounds the start only; Stop or Kill ends the cluster.
func StartKafka(ctx context.Context, dir string, o KafkaOptions) (*Kafka, error) {
	jars, err := installKafka(ctx)
	if err != nil {
		return nil, err
	}
	k, err := newKafka(dir, o)
	if err != nil {
		return nil, fmt.Errorf("prepare Kafka: %w", err)
	}
	if err := atOnce(k.layout, func(n node) error { return k.prepare(ctx, n, o) }); err != nil {
		return nil, fmt.Errorf("prepare Kafka: %w", err)
	}
	for _, n := range k.layout {
		k.Nodes = append(k.Nodes, k.process(jars, n, o))
	}
	if err := k.start(ctx); err != nil {
		return nil, errors.Join(err, k.Kill())
	}
	return k, nil
}

func newKafka(dir string, o KafkaOptions) (*Kafka, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	id, err := clusterID(filepath.Join(dir, "cluster.id"))
	if err != nil {
		return nil, err
	}
	layout, err := planNodes(dir, o)
	return &Kafka{dir: dir, clusterID: id, layout: layout}, err
}

// clusterID returns the id kept in file, or makes one: the nodes of a cluster,
// and its next start, must agree on it.
func clusterID(file string) (string, error) {
	kept, err := os.ReadFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return string(kept), err
	}
	raw := make([]byte, 16)
	rand.Read(raw)
	raw[0] &= 0x7f // the format tool would take a leading '-' for a flag
	id := base64.RawURLEncoding.EncodeToString(raw)
	return id, os.WriteFile(file, []byte(id), 0o644)
}

// prepare writes a node's settings and, once, formats its storage.
func (k *Kafka) prepare(ctx context.Context, n node, o KafkaOptions) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return err
	}
	settings := properties(n, k.layout, o)
	if err := os.WriteFile(n.settingsFile(), settings, 0o600); err != nil {
		return err
	}
	if exists(filepath.Join(n.dataDir(), "meta.properties")) {
		return nil
	}
	_, err := JavaTool(ctx, "kafka.tools.StorageTool", "format", "--cluster-id", k.clusterID, "--config", n.settingsFile())
	return err
}

func (k *Kafka) process(jars string, n node, o KafkaOptions) *Process {
	argv := append([]string{javaCommand()}, brokerJVM...)
	argv = append(argv, o.JVM...)
	argv = append(argv, javaArgs(jars)...)
	argv = append(argv, "-Dkafka.log.level=INFO", "kafka.Kafka", n.settingsFile())
	return &Process{
		name:     fmt.Sprintf("Kafka node %d", n.id),
		argv:     argv,
		log:      filepath.Join(n.dir, "server.log"),
		detached: o.Detached,
		ready:    func(ctx context.Context) error { return brokerReady(ctx, address(n.port), k.clusterID, n.id) },
	}
}

// start launches all nodes before it waits for one: a quorum needs two of three.
func (k *Kafka) start(ctx context.Context) error {
	for _, p := range k.Nodes {
		if err := p.launch(); err != nil {
			return fmt.Errorf("start %s: %w", p.name, err)
		}
	}
	for _, p := range k.Nodes {
		if err := p.awaitOrKill(ctx); err != nil {
			return err
		}
	}
	return k.awaitAll(ctx)
}

// awaitAll waits until every broker knows every other.
func (k *Kafka) awaitAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	ids := make([]int32, len(k.layout))
	for i, n := range k.layout {
		ids[i] = n.id
	}
	for _, n := range k.layout {
		err := poll(ctx, readyPoll, func() (bool, error) {
			return brokerReady(ctx, address(n.port), k.clusterID, ids...) == nil, nil
		})
		if err != nil {
			return fmt.Errorf("wait for Kafka node %d to see all others: %w", n.id, err)
		}
	}
	return nil
}

// Bootstrap is the PLAINTEXT address of every broker, with commas, as kcat -b
// and bootstrap.servers take it.
func (k *Kafka) Bootstrap() string { return k.BootstrapOf(plaintextListener) }

// BootstrapOf is Bootstrap for the listener of that name, empty if there is none.
func (k *Kafka) BootstrapOf(listener string) string {
	var all []string
	for _, n := range k.layout {
		for _, l := range n.listeners {
			if l.Name == listener {
				all = append(all, address(l.port))
			}
		}
	}
	return strings.Join(all, ",")
}

// Segments are the log files of a partition on the node with that id, in
// offset order; [DumpLog] reads them.
func (k *Kafka) Segments(nodeID int, topic string, partition int) ([]string, error) {
	n := k.layout[nodeID-1]
	return filepath.Glob(filepath.Join(n.dataDir(), fmt.Sprintf("%s-%d", topic, partition), "*.log"))
}

// Stop ends all nodes in good order; see [Process.Stop].
func (k *Kafka) Stop() error { return atOnce(k.Nodes, (*Process).Stop) }

// Kill ends all nodes as a power cut would; see [Process.Kill].
func (k *Kafka) Kill() error { return atOnce(k.Nodes, (*Process).Kill) }

// Restart stops the nodes that run and starts all again, with the same data
// and addresses.
func (k *Kafka) Restart(ctx context.Context) error {
	if err := k.Stop(); err != nil {
		return err
	}
	return k.start(ctx)
}

// atOnce does one thing for all nodes together: nodes that leave one by one
// would wait for each other. It returns when all are done.
func atOnce[T any](all []T, do func(T) error) error {
	results := make(chan error)
	for _, one := range all {
		go func() { results <- do(one) }()
	}
	var failed error
	for range all {
		failed = errors.Join(failed, <-results)
	}
	return failed
}
