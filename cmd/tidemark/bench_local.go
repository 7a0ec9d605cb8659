package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/harness"
	"github.com/tidemark-io/tidemark/deploy/local"
)

// The buckets of the servers that bench starts. They have neither versions nor
// locks: what was counted is removed.
const (
	benchBucket     = "bench"
	benchKeysBucket = "bench-keys"
)

// brokerHeap gives the broker what a broker has: its quick-start settings are
// for tests, and would make the broker and not the archiver the limit.
var brokerHeap = []string{"-Xmx1g", "-XX:TieredStopAtLevel=4"}

// brokerProperties let the files of a removed topic go at once and not after a
// minute: the next point needs the space.
var brokerProperties = map[string]string{"log.segment.delete.delay.ms": "1000"}

// benchServers are servers that bench started itself.
type benchServers struct {
	harness.Servers
	close func() error
}

// startLocal starts Apache Kafka and two S3 servers on free ports, with
// everything they keep below dir.
func startLocal(ctx context.Context, dir string) (*benchServers, error) {
	if missing := local.Missing(); missing != "" {
		return nil, errors.New(missing)
	}
	s := &benchServers{close: func() error { return nil }}
	if err := s.startLocal(ctx, dir); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *benchServers) startLocal(ctx context.Context, dir string) error {
	kafka, err := local.StartKafka(ctx, filepath.Join(dir, "kafka"), local.KafkaOptions{JVM: brokerHeap, Properties: brokerProperties})
	if err != nil {
		return err
	}
	s.closeAlso(kafka.Kill)
	for _, n := range kafka.Nodes {
		s.Processes = append(s.Processes, harness.Watched{Name: "kafka", PID: n.PID()})
	}
	var regions []any
	for _, name := range []string{"a", "b"} {
		region, err := local.StartS3(ctx, filepath.Join(dir, "region-"+name), local.S3Options{})
		if err != nil {
			return err
		}
		s.closeAlso(region.Kill)
		if err := makeBenchBuckets(ctx, region); err != nil {
			return err
		}
		s.Processes = append(s.Processes, harness.Watched{Name: "region " + name, PID: region.PID()})
		regions = append(regions, localRegion(name, region))
	}
	s.Config = map[string]any{"kafka": map[string]any{"brokers": []any{kafka.Bootstrap()}}, "regions": regions}
	s.Client = []kgo.Opt{kgo.SeedBrokers(kafka.Bootstrap())}
	s.Kafka = "Apache Kafka " + local.KafkaVersion()
	s.Stores, s.Disk = "versitygw "+local.S3Version(), dir
	return nil
}

// closeAlso adds what is closed first.
func (s *benchServers) closeAlso(f func() error) {
	before := s.close
	s.close = func() error { return errors.Join(f(), before()) }
}

func localRegion(name string, s *local.S3) map[string]any {
	place := func(bucket string) string {
		return fmt.Sprintf("s3://%s?endpoint=%s&region=%s&path_style=true", bucket, s.URL, s.Region)
	}
	return map[string]any{
		"name": name, "url": place(benchBucket), "keys_url": place(benchKeysBucket),
		"credentials": map[string]any{"source": "static", "access_key": s.AccessKey, "secret_key": s.SecretKey},
	}
}

func makeBenchBuckets(ctx context.Context, s *local.S3) error {
	c, err := minio.New(s.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""), Region: s.Region})
	if err != nil {
		return fmt.Errorf("make buckets: %w", err)
	}
	for _, bucket := range []string{benchBucket, benchKeysBucket} {
		if err := c.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}); err != nil {
			return fmt.Errorf("make bucket %s at %s: %w", bucket, s.URL, err)
		}
	}
	return nil
}

// benchDir makes the directory that a run works in, and returns what removes
// it.
func benchDir(parent string) (string, func() error, error) {
	if parent != "" {
		if err := os.MkdirAll(parent, 0o750); err != nil {
			return "", nil, fmt.Errorf("make working directory: %w", err)
		}
	}
	dir, err := os.MkdirTemp(parent, "tidemark-bench-")
	if err != nil {
		return "", nil, fmt.Errorf("make working directory: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", nil, fmt.Errorf("make working directory: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}
