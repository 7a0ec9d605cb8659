package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/tidemark-io/tidemark/deploy/local"
)

const (
	// Each server gets the two buckets that an archive needs: segments under
	// Object Lock, and keys with versions but without locks, so that erasing works.
	archiveBucket = "tidemark"
	keysBucket    = "tidemark-keys"

	accessKey = "tidemark"
)

type upFlags struct {
	dir       string
	brokers   int
	kafkaPort int
	regions   int
	s3Port    int
}

func parseUp(args []string) (upFlags, error) {
	var f upFlags
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.StringVar(&f.dir, "dir", defaultDir, "data, logs and state go here")
	flags.IntVar(&f.brokers, "brokers", 1, "Kafka nodes, 1 or 3")
	flags.IntVar(&f.kafkaPort, "kafka-port", 9092, "port of the first broker; the next ones follow it")
	flags.IntVar(&f.regions, "regions", 2, "S3 servers")
	flags.IntVar(&f.s3Port, "s3-port", 9000, "port of the first S3 server; the next ones follow it")
	return f, flags.Parse(args)
}

// up starts everything or, on an error, leaves nothing running.
func up(ctx context.Context, args []string) (err error) {
	f, err := parseUp(args)
	if err != nil {
		return err
	}
	if err := install(ctx); err != nil {
		return err
	}
	st, err := openState(f.dir)
	if err != nil {
		return err
	}
	if len(st.running()) > 0 {
		fmt.Println("already up; `down` stops it")
		return st.print()
	}
	st.Servers, st.Regions = nil, nil
	if st.SecretKey == "" {
		st.SecretKey = rand.Text()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.stop(context.WithoutCancel(ctx)))
		}
	}()
	if err := st.startKafka(ctx, f); err != nil {
		return err
	}
	for i := range f.regions {
		if err := st.startRegion(ctx, f, i); err != nil {
			return err
		}
	}
	if err := st.save(); err != nil {
		return err
	}
	return st.print()
}

func (st *state) startKafka(ctx context.Context, f upFlags) error {
	kafka, err := local.StartKafka(ctx, filepath.Join(st.dir, "kafka"), local.KafkaOptions{
		Brokers: f.brokers, Port: f.kafkaPort, Detached: true,
	})
	if err != nil {
		return err
	}
	st.Bootstrap = kafka.Bootstrap()
	for i, n := range kafka.Nodes {
		st.add(fmt.Sprintf("kafka node %d", i+1), n)
	}
	return nil
}

func (st *state) startRegion(ctx context.Context, f upFlags, i int) error {
	name := "region-" + string(rune('a'+i))
	s, err := local.StartS3(ctx, filepath.Join(st.dir, name), local.S3Options{
		Port: f.s3Port + i, AccessKey: accessKey, SecretKey: st.SecretKey, Detached: true,
	})
	if err != nil {
		return err
	}
	st.add(name, s.Process)
	st.Regions = append(st.Regions, s.URL)
	return makeBuckets(ctx, s)
}

// makeBuckets makes the two buckets unless an earlier up did.
func makeBuckets(ctx context.Context, s *local.S3) error {
	c, err := minio.New(s.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""), Region: s.Region})
	if err != nil {
		return err
	}
	for bucket, locking := range map[string]bool{archiveBucket: true, keysBucket: false} {
		err := c.MakeBucket(ctx, bucket, minio.MakeBucketOptions{ObjectLocking: locking})
		if code := minio.ToErrorResponse(err).Code; err != nil && code != "BucketAlreadyOwnedByYou" {
			return fmt.Errorf("make bucket %s at %s: %w", bucket, s.URL, err)
		}
	}
	return c.EnableVersioning(ctx, keysBucket)
}

// print says where everything is, in lines that a shell can source.
func (st *state) print() error {
	lines := fmt.Sprintf("export KAFKA_BOOTSTRAP=%s\nexport AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n", st.Bootstrap, accessKey, st.SecretKey)
	for i, url := range st.Regions {
		lines += fmt.Sprintf("export S3_REGION_%c=%s\n", 'A'+i, url)
	}
	env := filepath.Join(st.dir, "env")
	if err := os.WriteFile(env, []byte(lines), 0o600); err != nil {
		return err
	}
	fmt.Printf("%s\n# buckets: %s (Object Lock), %s (versions)\n# in this shell: . %s\n", lines, archiveBucket, keysBucket, env)
	return nil
}
