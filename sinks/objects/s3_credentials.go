package objects

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
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
	// CredentialsWebIdentity exchanges the token in TokenFile for the keys of
	// RoleARN (AssumeRoleWithWebIdentity of AWS STS). What is left empty comes
	// from AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN; what is given wins over
	// them, so that each region may have a role of its own. The file is read
	// again at each renewal, before the keys end.
	CredentialsWebIdentity
)

// Credentials choose the keys to a bucket. They print without their secrets.
type Credentials struct {
	Source                             CredentialSource
	AccessKey, SecretKey, SessionToken string

	// RoleARN and TokenFile belong to CredentialsWebIdentity.
	RoleARN, TokenFile string
	// STSEndpoint is the URL of the token service, of CredentialsWebIdentity.
	// Empty is AWS's own in the region of the bucket. CAFile vouches for it too.
	STSEndpoint string
}

// String names the source only, for %v and %s.
func (c Credentials) String() string {
	names := []string{"auto", "static", "environment", "role", "web identity"}
	if c.Source < 0 || int(c.Source) >= len(names) {
		return "unknown"
	}
	return names[c.Source]
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

// provider returns minio-go's credentials, which are fetched at first use. store
// is how the bucket is spoken to.
func (c Credentials) provider(region string, store *http.Transport) *credentials.Credentials {
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
	case CredentialsWebIdentity:
		first.all = []namedProvider{{"web identity", c.webIdentity(region, c.tokenTransport(store))}}
	default:
		first.all = []namedProvider{{"static keys", static}, {"environment", &credentials.EnvAWS{}},
			{"shared file", &credentials.FileAWSCredentials{}}, {"role", role}}
	}
	return credentials.New(first)
}

// webIdentity is not minio-go's IAM, for which the environment wins over what
// was configured, and which asks the instance's metadata when there is no token.
func (c Credentials) webIdentity(region string, t http.RoundTripper) credentials.Provider {
	role, file := orDefault(c.RoleARN, os.Getenv("AWS_ROLE_ARN")), orDefault(c.TokenFile, os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"))
	return &credentials.STSWebIdentity{
		Client: &http.Client{Timeout: metadataTimeout, Transport: t}, STSEndpoint: orDefault(c.STSEndpoint, stsOf(region)), RoleARN: role,
		GetWebIDTokenExpiry: func() (*credentials.WebIdentityToken, error) {
			if file == "" {
				return nil, errors.New("no token file: set it, or AWS_WEB_IDENTITY_TOKEN_FILE")
			}
			token, err := os.ReadFile(file)
			return &credentials.WebIdentityToken{Token: strings.TrimSpace(string(token))}, err
		},
	}
}

// tokenTransport is how the token service is spoken to: one of our own stands
// beside the bucket and is trusted as it is, AWS's as everybody does.
func (c Credentials) tokenTransport(store *http.Transport) *http.Transport {
	t := store.Clone()
	t.DisableKeepAlives = true // one request an hour
	if c.STSEndpoint == "" {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return t
}

// stsOf is the address of AWS's token service in a region.
func stsOf(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "https://sts." + region + ".amazonaws.com.cn"
	}
	return "https://sts." + region + ".amazonaws.com"
}

// renewEvery is the least time between two renewals that a refusal causes: of
// many requests that are refused together, one renews for all.
const renewEvery = 10 * time.Second

// renewal has the keys of a bucket, and fetches them anew before their end when
// the store calls them expired: its clock is the one that counts.
type renewal struct {
	keys *credentials.Credentials

	mu   sync.Mutex
	last time.Time
}

func (r *renewal) renew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.last) >= renewEvery {
		r.last = time.Now()
		r.keys.Expire()
	}
}

var (
	// errNoCredentials is the error of a request that could not be signed.
	errNoCredentials = errors.New("no credentials")
	// errNotRenewed is that error where there were credentials before: the
	// service that gives them may answer again.
	errNotRenewed = errors.New("credentials not renewed")
)

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
	if f.cur != nil {
		err = errNotRenewed
	}
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
