package local

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// S3Options say what [StartS3] starts; the zero value is a server on any free
// port with a generated secret.
type S3Options struct {
	Port int // 0 means any free one
	// AccessKey and SecretKey are the root user's; empty means generated.
	AccessKey, SecretKey string
	// Region is the one requests are signed for; empty means us-east-1.
	Region string
	// CertFile and KeyFile (PEM) make it speak TLS; both or none.
	CertFile, KeyFile string
	// Args are added to the global flags of versitygw.
	Args []string
	// Detached servers go on when this process ends.
	Detached bool
}

// S3 is a running S3 server.
type S3 struct {
	*Process
	// Endpoint is host:port, as minio-go takes it; URL has the scheme.
	Endpoint, URL        string
	AccessKey, SecretKey string
	Region               string

	dir string
}

// StartS3 starts an S3 server that keeps everything under dir and returns when
// it answers. Versions and Object Lock work. What an earlier server left there
// is served again. The file system needs extended attributes, as ext4, xfs,
// btrfs, APFS and, since Linux 6.6, tmpfs have them.
//
// ctx bounds the start only; Stop or Kill ends the server.
func StartS3(ctx context.Context, dir string, o S3Options) (*S3, error) {
	binary, err := installS3(ctx)
	if err != nil {
		return nil, err
	}
	s, err := newS3(binary, dir, o)
	if err != nil {
		return nil, fmt.Errorf("prepare S3 server: %w", err)
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func newS3(binary, dir string, o S3Options) (*S3, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	port, err := choosePort(o.Port)
	if err != nil {
		return nil, err
	}
	s := &S3{
		dir:       dir,
		Endpoint:  address(port),
		URL:       "http://" + address(port),
		AccessKey: orElse(o.AccessKey, "tidemark"),
		SecretKey: orElse(o.SecretKey, rand.Text()),
		Region:    orElse(o.Region, "us-east-1"),
	}
	if o.CertFile != "" {
		s.URL = "https://" + address(port)
	}
	for _, sub := range []string{s.ObjectDir(), s.versionDir()} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return nil, err
		}
	}
	s.Process = s.process(binary, o)
	return s, nil
}

// ObjectDir is where the newest version of every object lies as a plain file,
// under bucket and key: for tests that damage objects behind the server's back.
func (s *S3) ObjectDir() string { return filepath.Join(s.dir, "objects") }

func (s *S3) versionDir() string { return filepath.Join(s.dir, "versions") }

func (s *S3) process(binary string, o S3Options) *Process {
	// A path that only this server knows: whoever answers there is not a
	// stranger that holds the port.
	health := "/ready-" + rand.Text()
	argv := []string{binary, "--port", s.Endpoint, "--region", s.Region, "--health", health, "--quiet", "--keep-alive"}
	if o.CertFile != "" {
		argv = append(argv, "--cert", o.CertFile, "--key", o.KeyFile)
	}
	argv = append(argv, o.Args...)
	argv = append(argv, "posix", "--versioning-dir", s.versionDir(), s.ObjectDir())
	return &Process{
		name:     "S3 server " + s.Endpoint,
		argv:     argv,
		env:      []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey},
		log:      filepath.Join(s.dir, "server.log"),
		detached: o.Detached,
		ready:    func(ctx context.Context) error { return answersOK(ctx, s.URL+health) },
	}
}

// answersOK asks once, without believing or needing the certificate: it sends
// nothing secret.
func answersOK(ctx context.Context, url string) error {
	client := http.Client{
		Timeout:   answerTimeout,
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answer %s", response.Status)
	}
	return nil
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
