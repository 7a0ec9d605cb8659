package objects_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

const roleARN = "arn:aws:iam::123456789012:role/tidemark"

// tokenService answers AssumeRoleWithWebIdentity as AWS STS does, and the
// questions of a container for its role. It gives new keys, key-1 and so on, to
// every question, and remembers the questions.
type tokenService struct {
	*httptest.Server

	mu       sync.Mutex
	lifetime time.Duration
	refusal  string // an error code of STS, or empty
	asked    []http.Request
}

func newTokenService(t *testing.T) *tokenService {
	s := &tokenService{lifetime: time.Hour}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *tokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = r.ParseForm() // what is malformed lacks its fields below
	s.asked = append(s.asked, *r)
	key, end := fmt.Sprintf("key-%d", len(s.asked)), time.Now().Add(s.lifetime).UTC().Format(time.RFC3339)
	switch {
	case s.refusal != "":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code>`+
			`<Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>`, s.refusal)
	case r.Method == http.MethodGet:
		fmt.Fprintf(w, `{"AccessKeyId":%q,"SecretAccessKey":"secret","Token":"session of %s","Expiration":%q,"Code":"Success"}`, key, key, end)
	default:
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>`+
			`<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session of %s</SessionToken>`+
			`<Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, key, key, end)
	}
}

// set changes how it answers.
func (s *tokenService) set(lifetime time.Duration, refusal string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime, s.refusal = lifetime, refusal
}

// questions returns what it was asked so far.
func (s *tokenService) questions() []http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// bareEnvironment takes away what this machine may have set.
func bareEnvironment(t *testing.T) {
	for _, name := range []string{"ACCESS_KEY_ID", "ACCESS_KEY", "SECRET_ACCESS_KEY", "SECRET_KEY", "SESSION_TOKEN", "REGION",
		"ROLE_ARN", "WEB_IDENTITY_TOKEN_FILE", "CONTAINER_CREDENTIALS_RELATIVE_URI", "CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv("AWS_"+name, "")
	}
}

func tokenFile(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openWith opens the server with these credentials.
func openWith(t *testing.T, server *objectstest.S3, c objects.Credentials) *objects.S3 {
	t.Helper()
	conf := server.Config()
	conf.Credentials = c
	s, err := objects.OpenS3(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// keyOf is the access key and session token that signed a request.
func keyOf(h http.Header) string {
	_, rest, _ := strings.Cut(h.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	return strings.TrimSpace(key + " " + h.Get("X-Amz-Security-Token"))
}

// Each source gives the keys that it should, whatever the others hold.
func TestCredentialSources(t *testing.T) {
	service := newTokenService(t)
	static := objects.Credentials{Source: objects.CredentialsStatic, AccessKey: "given", SecretKey: "s", SessionToken: "session given"}
	for name, c := range map[string]struct {
		credentials objects.Credentials
		env         map[string]string
		want        string
	}{
		"static":               {static, map[string]string{"AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s"}, "given session given"},
		"environment":          {objects.Credentials{Source: objects.CredentialsEnvironment}, map[string]string{"AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "session env"}, "env session env"},
		"auto, environment":    {objects.Credentials{}, map[string]string{"AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s"}, "env"},
		"role of a container":  {objects.Credentials{Source: objects.CredentialsRole}, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": service.URL}, "key-N session of key-N"},
		"auto, role":           {objects.Credentials{}, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": service.URL, "HOME": t.TempDir()}, "key-N session of key-N"},
		"web identity":         {objects.Credentials{Source: objects.CredentialsWebIdentity, RoleARN: roleARN, TokenFile: tokenFile(t, "jwt"), STSEndpoint: service.URL}, nil, "key-N session of key-N"},
		"web identity by name": {objects.Credentials{Source: objects.CredentialsWebIdentity, STSEndpoint: service.URL}, map[string]string{"AWS_ROLE_ARN": roleARN, "AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile(t, "jwt")}, "key-N session of key-N"},
	} {
		t.Run(name, func(t *testing.T) {
			bareEnvironment(t)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			server := objectstest.NewS3(t, objectstest.S3Options{})
			mustPut(t, openWith(t, server, c.credentials), "k", "x", objects.PutOptions{})
			want := strings.ReplaceAll(c.want, "N", fmt.Sprint(len(service.questions())))
			if got := keyOf(server.Requests()[0].Header); got != want {
				t.Errorf("signed by %q, want %q", got, want)
			}
		})
	}
}

// What was configured wins over the environment, which holds one role for all
// regions; the token is read anew for each question.
func TestWebIdentityQuestion(t *testing.T) {
	bareEnvironment(t)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/another")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", tokenFile(t, "another"))
	service := newTokenService(t)
	service.set(-time.Second, "") // expired at once
	file := tokenFile(t, "first")
	s := openWith(t, objectstest.NewS3(t, objectstest.S3Options{}),
		objects.Credentials{Source: objects.CredentialsWebIdentity, RoleARN: roleARN, TokenFile: file, STSEndpoint: service.URL})
	for i, token := range []string{"first", "second"} {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, token, "x", objects.PutOptions{})
		form := service.questions()[i].PostForm
		if form.Get("Action") != "AssumeRoleWithWebIdentity" || form.Get("RoleArn") != roleARN || form.Get("WebIdentityToken") != token {
			t.Errorf("asked %v, want role %s with token %s", form, roleARN, token)
		}
	}
}

// A role that is refused, and a token that is not there, are errors of their
// own: nothing goes out unsigned, and nobody else is asked for keys.
func TestWebIdentityRefused(t *testing.T) {
	bareEnvironment(t)
	service := newTokenService(t)
	service.set(time.Hour, "AccessDenied")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", newTokenService(t).URL) // would give keys
	for file, want := range map[string]string{tokenFile(t, "jwt"): "Not authorized", "": "AWS_WEB_IDENTITY_TOKEN_FILE", "nowhere": "nowhere"} {
		server := objectstest.NewS3(t, objectstest.S3Options{})
		s := openWith(t, server, objects.Credentials{Source: objects.CredentialsWebIdentity, RoleARN: roleARN, TokenFile: file, STSEndpoint: service.URL})
		err := s.Put(t.Context(), "k", nil, objects.PutOptions{})
		if !errors.Is(err, fs.ErrPermission) || objects.Retryable(err) || !strings.Contains(fmt.Sprint(err), want) || len(server.Requests()) != 0 {
			t.Errorf("token file %q: %v after %d requests", file, err, len(server.Requests()))
		}
	}
}

// expireFirst refuses the keys that were given first, as the stores do: with a
// code, or a HEAD with a bare 400.
func expireFirst(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(keyOf(r.Header), "key-1 "):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodHead:
			w.WriteHeader(http.StatusBadRequest)
		default:
			objectstest.Answer(r.Method, http.StatusForbidden, "ExpiredToken")(next).ServeHTTP(w, r)
		}
	})
}

func withWebIdentity(t *testing.T) (*objectstest.S3, *tokenService, *objects.S3) {
	t.Helper()
	bareEnvironment(t)
	server, service := objectstest.NewS3(t, objectstest.S3Options{}), newTokenService(t)
	s := openWith(t, server, objects.Credentials{Source: objects.CredentialsWebIdentity, RoleARN: roleARN, TokenFile: tokenFile(t, "jwt"), STSEndpoint: service.URL})
	return server, service, s
}

// Keys that the store calls expired before their end are renewed, and
// the work goes on; many that are refused together renew once.
func TestExpiredKeysAreRenewed(t *testing.T) {
	for op, call := range map[string]func(objects.Store) error{
		"put":  func(s objects.Store) error { return s.Put(t.Context(), "new", nil, objects.PutOptions{}) },
		"get":  func(s objects.Store) error { _, err := s.Get(t.Context(), "k"); return err },
		"stat": func(s objects.Store) error { _, err := s.Stat(t.Context(), "k"); return err },
		"list": func(s objects.Store) error {
			for _, err := range s.List(t.Context(), "", "") {
				return err
			}
			return nil
		},
	} {
		t.Run(op, func(t *testing.T) {
			server, service, s := withWebIdentity(t)
			mustPut(t, s, "k", "x", objects.PutOptions{})
			server.Fault(expireFirst)
			if err := call(objects.Stack(s, objects.Options{Retry: objects.RetryOptions{First: 1, Budget: 5 * time.Second}})); err != nil {
				t.Fatal(err)
			}
			if n := len(service.questions()); n != 2 {
				t.Errorf("the token service was asked %d times, want 2", n)
			}
		})
	}
}

func TestManyExpireRenewOnce(t *testing.T) {
	server, service, s := withWebIdentity(t)
	mustPut(t, s, "k", "x", objects.PutOptions{})
	server.Fault(expireFirst)
	stack := objects.Stack(s, objects.Options{Retry: objects.RetryOptions{First: 1, Budget: 5 * time.Second}, Breaker: objects.BreakerOptions{Failures: 1000}})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := stack.Get(t.Context(), "k"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(service.questions()); n != 2 {
		t.Errorf("the token service was asked %d times, want 2", n)
	}
}

// A token service that is away for a while is worth waiting for: the archiver
// had keys, and will have them again.
func TestRenewalThatFailsIsRepeated(t *testing.T) {
	server, service, s := withWebIdentity(t)
	service.set(-time.Second, "")
	mustPut(t, s, "k", "x", objects.PutOptions{})
	service.set(time.Hour, "IDPCommunicationError")
	before := len(server.Requests())
	if _, err := s.Get(t.Context(), "k"); !errors.Is(err, fs.ErrPermission) || !objects.Retryable(err) || len(server.Requests()) != before {
		t.Errorf("get while the service is away: %v after %d requests", err, len(server.Requests())-before)
	}
	service.set(time.Hour, "")
	if _, err := s.Get(t.Context(), "k"); err != nil {
		t.Errorf("get when it is back: %v", err)
	}
}

// A token service of one's own over TLS is vouched for by the bucket's CA file,
// and refused without one, before it sees the token.
func TestWebIdentityCertificate(t *testing.T) {
	bareEnvironment(t)
	service := &tokenService{lifetime: time.Hour}
	service.Server = httptest.NewUnstartedServer(service)
	service.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused handshake is expected here
	service.StartTLS()
	t.Cleanup(service.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"", ca} {
		conf := objectstest.NewS3(t, objectstest.S3Options{}).Config()
		conf.CAFile = file
		conf.Credentials = objects.Credentials{Source: objects.CredentialsWebIdentity, RoleARN: roleARN, TokenFile: tokenFile(t, "jwt"), STSEndpoint: service.URL}
		s, err := objects.OpenS3(conf)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Put(t.Context(), "k", nil, objects.PutOptions{})
		if trusted := file != ""; (err == nil) != trusted || len(service.questions()) > 0 != trusted {
			t.Errorf("CA file %q: %v, %d questions", file, err, len(service.questions()))
		}
	}
}
