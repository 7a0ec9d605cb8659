package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// KafkaOptions returns what every Kafka client of this process is made with:
// brokers, client id, TLS, SASL and log. It reads the files that are named and
// makes no connection. What is wrong with them is a *config.Error.
func KafkaOptions(k *config.Kafka, log *slog.Logger) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(k.Brokers...),
		kgo.ClientID(k.ClientID),
		kgo.SoftwareNameAndVersion("tidemark", "1"),
		kgo.WithLogger(kafkaLog{log}),
	}
	if k.TLS.Enabled {
		conf, err := kafkaTLS(&k.TLS)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	mechanism, err := kafkaSASL(&k.SASL)
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

// kafkaTLS never leaves out a check: there is no setting that would.
func kafkaTLS(t *config.TLS) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pool, err := certificates(t.CAFile)
		if err != nil {
			return nil, &config.Error{Key: "kafka.tls.ca_file", Err: err}
		}
		conf.RootCAs = pool
	}
	if t.CertFile != "" {
		if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
			return nil, &config.Error{Key: "kafka.tls.cert_file", Err: err}
		}
		// Read again at each handshake, so that a renewed certificate is used.
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			c, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("read client certificate: %w", err)
			}
			return &c, nil
		}
	}
	return conf, nil
}

func certificates(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New(path + " holds no certificate in PEM")
	}
	return pool, nil
}
