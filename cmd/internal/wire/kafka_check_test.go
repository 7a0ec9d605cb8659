package wire

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

func TestCheckKafka(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "me", "right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	brokers := broker.ListenAddrs()
	check := func(brokers []string, password string) error {
		k := config.Kafka{Brokers: brokers, SASL: config.SASL{Mechanism: config.MechanismPlain, Username: "me", Password: config.NewSecret(password)}}
		a := &Archive{Config: &config.Config{Kafka: k}, Log: slog.New(slog.DiscardHandler)}
		return a.CheckKafka(t.Context())
	}
	if err := check(brokers, "right"); err != nil {
		t.Errorf("with the right password: %v", err)
	}
	// kfake cuts the connection at a wrong password; a Kafka broker says so first.
	broker.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		resp := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return resp, nil, true
	})
	err = check(brokers, "canary")
	if mistake := (*config.Error)(nil); !errors.As(err, &mistake) || strings.Contains(err.Error(), "canary") {
		t.Errorf("with a wrong password: %v, want a mistake in the configuration that does not repeat it", err)
	}
	if err := check([]string{"127.0.0.1:1"}, "right"); err != nil {
		t.Errorf("brokers that do not answer may yet: %v", err)
	}
}
