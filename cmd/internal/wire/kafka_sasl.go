package wire

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// kafkaSASL returns the mechanism, or nil for none.
func kafkaSASL(s *config.SASL) (sasl.Mechanism, error) {
	user, password := s.Username, s.Password.Reveal()
	switch s.Mechanism {
	case config.MechanismNone:
		return nil, nil
	case config.MechanismPlain:
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case config.MechanismScram256:
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case config.MechanismScram512:
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	case config.MechanismOAuthBearer:
		return oauth.Oauth(bearer(s)), nil
	case config.MechanismAWSMSKIAM:
		return mskIAM()
	}
	return nil, &config.Error{Key: "kafka.sasl.mechanism", Err: fmt.Errorf("%q is unknown", s.Mechanism)}
}

// bearer reads a token file again at each authentication: whoever renews the
// token writes the file.
func bearer(s *config.SASL) func(context.Context) (oauth.Auth, error) {
	return func(context.Context) (oauth.Auth, error) {
		if s.TokenFile == "" {
			return oauth.Auth{Token: s.Token.Reveal()}, nil
		}
		text, err := os.ReadFile(s.TokenFile)
		if err != nil {
			return oauth.Auth{}, fmt.Errorf("read token: %w", err)
		}
		return oauth.Auth{Token: strings.TrimSpace(string(text))}, nil
	}
}
