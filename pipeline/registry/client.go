package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/sr"
)

// ClientOptions say where a registry is and who we are to it.
type ClientOptions struct {
	// URL is http or https, with a path where the API lies below one.
	URL string
	// Username and Password are HTTP's basic authentication; empty is none.
	Username, Password string
	// Token returns a bearer token, asked for at each request; nil is none.
	Token func() (string, error)
	// TLS may be nil: then the system's certificates vouch for the registry.
	TLS *tls.Config
}

// Client speaks Confluent's API to a registry. It is safe for concurrent use.
type Client struct{ sr *sr.Client }

// NewClient makes a client. It makes no connection.
func NewClient(o ClientOptions) (*Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = o.TLS
	transport.MaxConnsPerHost = inParallel
	opts := []sr.ClientOpt{
		sr.URLs(o.URL), sr.UserAgent("tidemark"),
		sr.HTTPClient(&http.Client{Timeout: requestTimeout, Transport: bounded{transport}}),
	}
	if o.Username != "" {
		opts = append(opts, sr.BasicAuth(o.Username, o.Password))
	}
	if o.Token != nil {
		opts = append(opts, sr.PreReq(bearer(o.Token)))
	}
	client, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("make schema registry client: %w", err)
	}
	return &Client{client}, nil
}

func bearer(token func() (string, error)) func(*http.Request) error {
	return func(r *http.Request) error {
		text, err := token()
		if err == nil {
			r.Header.Set("Authorization", "Bearer "+text)
		}
		return err
	}
}

// bounded keeps an answer from filling memory.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, answerBytes}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the answer is longer than %d bytes", answerBytes)
	}
	return n, err
}

// Error is a registry's refusal.
type Error struct {
	// Status is HTTP's, Code the registry's own; 0 where it gave none.
	Status, Code int
	Method, Path string
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %d, code %d: %s", e.Method, e.Path, e.Status, e.Code, e.Message)
}

// missing reports whether an error means that what was asked for is not there.
func missing(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// unsupported reports whether an error means that the registry does not know
// the request: other makes lack some.
func unsupported(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && (e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusNotImplemented)
}

// call makes one request. Its errors of the registry are *Error.
func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	err := c.sr.Do(ctx, method, path, body, into)
	refused := (*sr.ResponseError)(nil)
	if errors.As(err, &refused) {
		message := refused.Message
		if message == "" {
			message = fmt.Sprintf("%.200q", refused.Raw)
		}
		return &Error{Status: refused.StatusCode, Code: refused.ErrorCode, Method: method, Path: path, Message: message}
	}
	return err
}

// get asks, and asks again where that may help.
func (c *Client) get(ctx context.Context, path string, into any) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = pause
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := c.call(ctx, http.MethodGet, path, nil, into)
		if e := (*Error)(nil); errors.As(err, &e) && e.Status < 500 && e.Status != http.StatusTooManyRequests {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(tries))
	return err
}

// withDeleted asks for what is soft-deleted too.
func withDeleted(ctx context.Context) context.Context { return sr.WithParams(ctx, sr.ShowDeleted) }

// forced overrides that a subject has versions already.
func forced(ctx context.Context) context.Context { return sr.WithParams(ctx, sr.Force) }

func subjectPath(subject string) string  { return "/subjects/" + url.PathEscape(subject) }
func versionsPath(subject string) string { return subjectPath(subject) + "/versions" }
func versionPath(p place) string         { return versionsPath(p.subject) + "/" + strconv.Itoa(p.version) }
func modePath(subject string) string     { return settingsPath("/mode", subject) }
func configPath(subject string) string   { return settingsPath("/config", subject) }

func settingsPath(kind, subject string) string {
	if subject == "" {
		return kind
	}
	return kind + "/" + url.PathEscape(subject)
}

// wireVersion is a version as the API has it, in answers and in requests.
type wireVersion struct {
	Subject    string          `json:"subject,omitempty"`
	Version    int             `json:"version,omitempty"`
	ID         int             `json:"id"`
	Type       string          `json:"schemaType,omitempty"` // empty is AVRO
	Schema     string          `json:"schema"`
	References []Reference     `json:"references,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	RuleSet    json.RawMessage `json:"ruleSet,omitempty"`
}
