package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// kafkaCheck bounds the look at the brokers before archiving begins.
const kafkaCheck = 15 * time.Second

// CheckKafka looks, before archiving begins, whether the brokers take us. A
// wrong password or a certificate that is not trusted is an error, because
// waiting will not mend it; brokers that do not answer are only a warning,
// because it may.
func (a *Archive) CheckKafka(ctx context.Context) error {
	opts, err := KafkaOptions(&a.Config.Kafka, a.Log)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, kafkaCheck)
	defer cancel()
	err = client.Ping(ctx)
	cert := (*tls.CertificateVerificationError)(nil)
	switch {
	case err == nil:
		return nil
	case refusesUs(err):
		return &config.Error{Key: "kafka.sasl", Err: fmt.Errorf("the brokers refuse the credentials: %w", err)}
	case errors.As(err, &cert):
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	a.Log.Warn("Kafka does not answer yet", "error", err)
	return nil
}

func refusesUs(err error) bool {
	return errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, kerr.UnsupportedSaslMechanism) || errors.Is(err, kerr.IllegalSaslState)
}
