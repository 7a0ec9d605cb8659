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
	versitygw := objectstest.Options{RefusedLockStays: true}
	for _, bucket := range []string{dataBucket, keysBucket, plainBucket} {
		t.Run(bucket+"/bare", func(t *testing.T) {
			objectstest.RunWith(t, versitygw, func(t *testing.T) objects.Store { return openBucket(t, s, bucket) })
		})
		t.Run(bucket+"/stacked", func(t *testing.T) {
			objectstest.RunWith(t, versitygw, func(t *testing.T) objects.Store {
				return objects.Stack(openBucket(t, s, bucket), objects.Options{
					Cache: objects.CacheOptions{Bytes: 1 << 20}, Retry: objects.RetryOptions{Budget: 2 * time.Second}})
			})
		})
		t.Run(bucket+"/capabilities", func(t *testing.T) {
			c, err := openBucket(t, s, bucket).Capabilities(t.Context())
			if err != nil || c.Versioning != (bucket != plainBucket) || c.ObjectLock != (bucket == dataBucket) || len(c.Denied) != 0 {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
	t.Run("hidden name", func(t *testing.T) { checkHiddenName(t, s) })
}

// checkHiddenName: this server keeps a name taken behind a delete marker. That is said, with what to do, and never
// called done; and what was advised mends it.
func checkHiddenName(t *testing.T, s *local.S3) {
	c := bucketConfig(s, dataBucket)
	bare, err := objects.OpenS3(c)
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	stacked := objects.Stack(bare, objects.Options{})
	ensure := func() error {
		lock := objects.PutOptions{Mode: objects.LockGovernance, RetainUntil: time.Now().Add(time.Hour).Truncate(time.Second)}
		return objects.Ensure(t.Context(), stacked, "k", []byte("body"), lock)
	}
	if err := ensure(); err != nil {
		t.Fatal(err)
	}
	if err := store(t, s).RemoveObject(t.Context(), dataBucket, c.Prefix+"/k", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	err = ensure()
	var hidden *objects.HiddenError
	if !errors.As(err, &hidden) || objects.Retryable(err) {
		t.Fatalf("ensure behind a delete marker: %v, want a HiddenError", err)
	}
	if err := stacked.DeleteVersion(t.Context(), "k", hidden.Marker); err != nil {
		t.Fatal(err)
	}
	if err := ensure(); err != nil {
		t.Errorf("ensure with the marker deleted: %v", err)
	}
}

// TestStoreCertificates: row 64. Over TLS a server is believed only with a certificate that the region's CA file vouches
// for, that has not expired and is for this host.
func TestStoreCertificates(t *testing.T) {
	local.Require(t)
	ours, theirs := newAuthority(t), newAuthority(t)
	for name, test := range map[string]struct {
		certificate certificate
		caFile      string
		refusal     string // what the error advises; "" is accepted
	}{
		"by our CA":           {ours.sign(t, "127.0.0.1", time.Hour), ours.file, ""},
		"without the CA file": {ours.sign(t, "127.0.0.1", time.Hour), "", "ca_file"},
		"by another CA":       {theirs.sign(t, "127.0.0.1", time.Hour), ours.file, "ca_file"},
		"self-signed":         {newAuthority(t).certificate, ours.file, "ca_file"},
		"expired":             {ours.sign(t, "127.0.0.1", -time.Minute), ours.file, "expired"},
		"for another host":    {ours.sign(t, "192.0.2.1", time.Hour), ours.file, "another host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStore(t, local.S3Options{CertFile: test.certificate.file, KeyFile: test.certificate.keyFile})
			c := bucketConfig(s, dataBucket)
			c.CAFile = test.caFile
			bare, err := objects.OpenS3(c)
			if err != nil {
				t.Fatal(err)
			}
			defer bare.Close()
			checkCertificate(t, objects.Stack(bare, objects.Options{}), test.refusal)
		})
	}
}

// checkCertificate asks a server that has no bucket yet: whoever is believed says so.
func checkCertificate(t *testing.T, s objects.Store, refusal string) {
	t.Helper()
	begin := time.Now()
	_, err := s.Get(t.Context(), "k")
	var e *objects.Error
	switch {
	case !errors.As(err, &e):
		t.Errorf("get: %v", err)
	case refusal == "" && e.Code != "NoSuchBucket":
		t.Errorf("get: %v, want to hear that there is no bucket", err)
	case refusal != "" && (e.Code != "Certificate" || e.Retryable || !strings.Contains(e.Hint, refusal)):
		t.Errorf("get: %v, want a refusal for good that says %q", err, refusal)
	case time.Since(begin) > 10*time.Second:
		t.Errorf("it took %s, so it was retried", time.Since(begin))
	}
}

// certificate is one with its key, as files in PEM.
type certificate struct{ file, keyFile string }

// authority signs certificates; its own is self-signed and for 127.0.0.1 too.
type authority struct {
	certificate
	parsed *x509.Certificate
	key    *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := template("127.0.0.1", time.Hour)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	a.certificate, a.parsed, a.key = issue(t, template, nil, nil)
	return a
}

func (a *authority) sign(t *testing.T, host string, lifetime time.Duration) certificate {
	t.Helper()
	c, _, _ := issue(t, template(host, lifetime), a.parsed, a.key)
	return c
}

func template(host string, lifetime time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: rand.Text()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
		IPAddresses: []net.IP{net.ParseIP(host)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// issue makes a certificate with a key of its own; without a parent it signs itself.
func issue(t *testing.T, template, parent *x509.Certificate, by *ecdsa.PrivateKey) (certificate, *x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return certificate{writePEM(t, dir, "CERTIFICATE", der), writePEM(t, dir, "PRIVATE KEY", pkcs8)}, parsed, key
}

func writePEM(t *testing.T, dir, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(dir, strings.ReplaceAll(strings.ToLower(kind), " ", "-")+".pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
