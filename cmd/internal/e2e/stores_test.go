package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/tidemark-io/tidemark/deploy/local"
	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

// plainBucket has neither versions nor locks.
const plainBucket = "plain"

func startStore(t *testing.T, o local.S3Options) *local.S3 {
	t.Helper()
	local.Require(t)
	s, err := local.StartS3(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	return s
}

// openBucket opens a bucket as the archiver does. Each call has a prefix of its own, and so an empty store.
func openBucket(t *testing.T, s *local.S3, bucket string) *objects.S3 {
	t.Helper()
	o, err := objects.OpenS3(bucketConfig(s, bucket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func bucketConfig(s *local.S3, bucket string) objects.S3Config {
	return objects.S3Config{Bucket: bucket, Prefix: rand.Text(), Endpoint: s.URL, Region: s.Region,
		Credentials: objects.Credentials{Source: objects.CredentialsStatic, AccessKey: s.AccessKey, SecretKey: s.SecretKey}}
}

// TestStores: a real S3 server keeps the contract that the archive rests on, bare and through the decorators.
func TestStores(t *testing.T) {
	s := startStore(t, local.S3Options{})
	makeBuckets(t, s)
	if err := store(t, s).MakeBucket(t.Context(), plainBucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []string{dataBucket, keysBucket, plainBucket} {
		t.Run(bucket+"/bare", func(t *testing.T) {
			objectstest.Run(t, func(t *testing.T) objects.Store { return openBucket(t, s, bucket) })
		})
		t.Run(bucket+"/stacked", func(t *testing.T) {
			objectstest.Run(t, func(t *testing.T) objects.Store {
				return objects.Stack(openBucket(t, s, bucket), objects.Options{Cache: objects.CacheOptions{Bytes: 1 << 20}})
			})
		})
	}
}

var _ = []any{ecdsa.Sign, elliptic.P256, x509.NewCertPool, pkix.Name{}, pem.Encode, errors.Is, big.NewInt, net.IP{}, os.Open, filepath.Join, strings.Cut, time.Now}
