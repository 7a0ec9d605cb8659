//go:build !nocloud

package wire

import (
	"context"
	"errors"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// The chain is asked at each authentication, and speaks the names MSK expects.
func TestMSKIAM(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary")
	t.Setenv("AWS_REGION", "eu-west-1")
	m, err := kafkaSASL(&config.SASL{Mechanism: config.MechanismAWSMSKIAM})
	if err != nil {
		t.Fatal(err)
	}
	_, first, err := m.Authenticate(t.Context(), "b-1.example.kafka.eu-west-1.amazonaws.com:9098")
	if err != nil || !strings.Contains(string(first), "AKIATEST") || strings.Contains(string(first), "canary") {
		t.Errorf("sent %s, %v", first, err)
	}
	refused := errors.New("no credentials here")
	_, err = awsAuth(t.Context(), awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
		return awssdk.Credentials{}, refused
	}))
	if !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}
