package wire

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// ping connects with what KafkaOptions makes of k and asks for the brokers.
func ping(t *testing.T, k config.Kafka) error {
	t.Helper()
	opts, err := KafkaOptions(&k, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(append(opts, kgo.RequestRetries(0), kgo.RetryTimeout(time.Second))...)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return client.Ping(ctx)
}

func cluster(t *testing.T, opts ...kfake.Opt) []string {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

func TestSASLPasswords(t *testing.T) {
	for _, m := range []config.Mechanism{config.MechanismPlain, config.MechanismScram256, config.MechanismScram512} {
		t.Run(string(m), func(t *testing.T) {
			brokers := cluster(t, kfake.EnableSASL(), kfake.Superuser(string(m), "me", "right"))
			k := config.Kafka{Brokers: brokers, SASL: config.SASL{Mechanism: m, Username: "me", Password: config.NewSecret("right")}}
			if err := ping(t, k); err != nil {
				t.Errorf("the right password: %v", err)
			}
			k.SASL.Password = config.NewSecret("canary")
			if err := ping(t, k); err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
}

// A token file is read at each authentication: what was renewed counts.
func TestBearerTokenIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	get := bearer(&config.SASL{TokenFile: path})
	if _, err := get(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	for _, token := range []string{"first", "second"} {
		if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if a, err := get(t.Context()); err != nil || a.Token != token {
			t.Errorf("token %q, %v; want %q", a.Token, err, token)
		}
	}
	if a, _ := bearer(&config.SASL{Token: config.NewSecret("fixed")})(t.Context()); a.Token != "fixed" {
		t.Errorf("token %q, want the fixed one", a.Token)
	}
}

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, key: newECDSA(t)}
	der := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour)}, &a.key.PublicKey)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, a.file = cert, writePEM(t, "CERTIFICATE", der)
	return a
}

func newECDSA(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (a *authority) sign(c *x509.Certificate, key *ecdsa.PublicKey) []byte {
	a.t.Helper()
	c.SerialNumber, c.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-2*time.Hour)
	by := a.cert
	if by == nil {
		by = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, key, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

// issue returns a certificate and key, as PEM files too.
func (a *authority) issue(c *x509.Certificate) (pair tls.Certificate, certFile, keyFile string) {
	a.t.Helper()
	key := newECDSA(a.t)
	der := a.sign(c, &key.PublicKey)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, writePEM(a.t, "CERTIFICATE", der), writePEM(a.t, "PRIVATE KEY", private)
}

func local(end time.Time) *x509.Certificate {
	return &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"kafka.test"}, NotAfter: end}
}

// Expired, self-signed and wrong-host certificates are refused.
func TestBrokerCertificates(t *testing.T) {
	a, later := newAuthority(t), time.Now().Add(time.Hour)
	good, _, _ := a.issue(local(later))
	expired, _, _ := a.issue(local(time.Now().Add(-time.Minute)))
	elsewhere, _, _ := a.issue(&x509.Certificate{DNSNames: []string{"elsewhere.test"}, NotAfter: later})
	stranger, _, _ := newAuthority(t).issue(local(later))
	var wrongHost x509.HostnameError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	for name, test := range map[string]struct {
		cert   tls.Certificate
		server string
		want   any // what errors.As must find; nil for no error
	}{
		"good":        {good, "", nil},
		"good name":   {good, "kafka.test", nil},
		"wrong name":  {good, "other.test", &wrongHost},
		"expired":     {expired, "", &invalid},
		"wrong host":  {elsewhere, "", &wrongHost},
		"self-signed": {stranger, "", &unknown},
	} {
		t.Run(name, func(t *testing.T) {
			brokers := cluster(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{test.cert}}))
			err := ping(t, config.Kafka{Brokers: brokers, TLS: config.TLS{Enabled: true, CAFile: a.file, ServerName: test.server}})
			if test.want == nil && err != nil || test.want != nil && !errors.As(err, test.want) {
				t.Errorf("got %v, want %T", err, test.want)
			}
		})
	}
}

func TestMutualTLS(t *testing.T) {
	a, later := newAuthority(t), time.Now().Add(time.Hour)
	server, _, _ := a.issue(local(later))
	_, cert, key := a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "tidemark"}, NotAfter: later,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	brokers := cluster(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}))
	k := config.Kafka{Brokers: brokers, TLS: config.TLS{Enabled: true, CAFile: a.file}}
	if err := ping(t, k); err == nil {
		t.Error("came in without a certificate")
	}
	k.TLS.CertFile, k.TLS.KeyFile = cert, key
	if err := ping(t, k); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	a := newAuthority(t)
	server, _, _ := a.issue(local(time.Now().Add(time.Hour)))
	brokers := cluster(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{server}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}))
	if err := ping(t, config.Kafka{Brokers: brokers, TLS: config.TLS{Enabled: true, CAFile: a.file}}); err == nil {
		t.Error("spoke TLS 1.1")
	}
}

func TestTLSFilesAreConfiguration(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for key, conf := range map[string]config.TLS{
		"kafka.tls.ca_file":   {Enabled: true, CAFile: empty},
		"kafka.tls.cert_file": {Enabled: true, CertFile: empty, KeyFile: empty},
	} {
		_, err := KafkaOptions(&config.Kafka{TLS: conf}, slog.New(slog.DiscardHandler))
		var mistake *config.Error
		if !errors.As(err, &mistake) || mistake.Key != key {
			t.Errorf("%s: got %v", key, err)
		}
	}
}
