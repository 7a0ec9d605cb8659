package objects

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// CredentialSource is where the keys to a bucket come from.
type CredentialSource int

const (
	// CredentialsAuto takes static keys if there are any, else the environment,
	// else AWS's shared file, else the role of the machine.
	CredentialsAuto CredentialSource = iota
	// CredentialsStatic takes AccessKey, SecretKey and SessionToken.
	CredentialsStatic
	// CredentialsEnvironment takes AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
	// AWS_SESSION_TOKEN.
	CredentialsEnvironment
	// CredentialsRole takes the role of an EC2 instance, ECS task or EKS pod, or
	// a web identity by AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN. They are
	// renewed before they end.
	CredentialsRole
)

// Credentials choose the keys to a bucket. They print without their secrets.
type Credentials struct {
	Source                             CredentialSource
	AccessKey, SecretKey, SessionToken string
}

// String names the source only, for %v and %s.
func (c Credentials) String() string {
	return [...]string{"auto", "static", "environment", "role"}[c.Source&3]
}

// GoString keeps the secrets out of %#v.
func (c Credentials) GoString() string { return "Credentials(" + c.String() + ")" }

// LogValue keeps the secrets out of logs.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON keeps the secrets out of dumps of a configuration.
func (c Credentials) MarshalJSON() ([]byte, error) { return []byte(`"` + c.String() + `"`), nil }

// metadataTimeout bounds one question to a metadata or token service: outside
// AWS its address leads nowhere.
const metadataTimeout = 10 * time.Second

// provider returns minio-go's credentials, which are fetched at first use.
func (c Credentials) provider(region string) *credentials.Credentials {
	static := &credentials.Static{Value: credentials.Value{AccessKeyID: c.AccessKey,
		SecretAccessKey: c.SecretKey, SessionToken: c.SessionToken, SignerType: credentials.SignatureV4}}
	role := &credentials.IAM{Region: region, Client: &http.Client{Timeout: metadataTimeout}}
	first := &firstProvider{}
	switch c.Source {
	case CredentialsStatic:
		first.all = []namedProvider{{"static keys", static}}
	case CredentialsEnvironment:
		first.all = []namedProvider{{"environment", &credentials.EnvAWS{}}}
	case CredentialsRole:
		first.all = []namedProvider{{"role", role}}
	default:
		first.all = []namedProvider{{"static keys", static}, {"environment", &credentials.EnvAWS{}},
			{"shared file", &credentials.FileAWSCredentials{}}, {"role", role}}
	}
	return credentials.New(first)
}

// errNoCredentials is the error of a request that could not be signed.
var errNoCredentials = errors.New("no credentials")

type namedProvider struct {
	name string
	credentials.Provider
}

// firstProvider takes the first provider that has keys. minio-go's own chain
// swallows the errors and goes on without a signature, so that a broken role
// looks like a missing permission.
type firstProvider struct {
	all []namedProvider
	cur credentials.Provider
}

// Retrieve implements credentials.Provider.
func (f *firstProvider) Retrieve() (credentials.Value, error) {
	return f.RetrieveWithCredContext(nil)
}

// RetrieveWithCredContext implements credentials.Provider.
func (f *firstProvider) RetrieveWithCredContext(cc *credentials.CredContext) (credentials.Value, error) {
	err := errNoCredentials
	for _, p := range f.all {
		v, e := p.RetrieveWithCredContext(cc)
		if e == nil && v.AccessKeyID != "" && v.SecretAccessKey != "" {
			f.cur = p
			return v, nil
		}
		if e == nil {
			e = errors.New("none")
		}
		err = fmt.Errorf("%w; %s: %w", err, p.name, e)
	}
	return credentials.Value{}, err
}

// IsExpired implements credentials.Provider.
func (f *firstProvider) IsExpired() bool { return f.cur == nil || f.cur.IsExpired() }
