package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Load reads the configuration from a file and from the environment, in the
// form of os.Environ. It reads files and nothing else: no directory is made, no
// connection opened. A mistake is an *Error; a file that cannot be read too.
func Load(file string, environ []string) (*Config, error) {
	text, err := readLimited(file, maxFile)
	if err != nil {
		return nil, &Error{File: file, Err: err}
	}
	return parse(file, text, environ)
}

func parse(file string, text []byte, environ []string) (*Config, error) {
	c := Default()
	c.source = source{file: file, at: map[string]origin{}}
	if err := decode(text, c); err != nil {
		return nil, err
	}
	if err := overlay(environ, c); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, &Error{File: file, Err: err}
	}
	c.resolvePaths(dir)
	if err := c.validate(); err != nil {
		return nil, err
	}
	if err := c.readSecrets(); err != nil {
		return nil, err
	}
	c.complete()
	return c, nil
}

// complete fills in what follows from other values.
func (c *Config) complete() {
	for i := range c.Regions {
		if c.Regions[i].Credentials.Source == "" {
			c.Regions[i].Credentials.Source = SourceAuto
		}
	}
	for i := range c.Topics {
		if c.Topics[i].Age == 0 {
			c.Topics[i].Age = c.Segment.Age
		}
	}
	if c.Archive.ID != "" {
		c.Archive.TrustFile = ""
	}
}

// resolvePaths makes relative paths relative to the configuration file: it
// means the same from wherever it is started.
func (c *Config) resolvePaths(dir string) {
	for _, p := range c.paths() {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	for i := range c.Regions {
		r := &c.Regions[i]
		r.URL.resolve(dir)
		r.KeysURL.resolve(dir)
		r.KMS.resolve(dir)
	}
}

// paths lists every key that names a file or a directory. A test compares it
// with the fields of Config.
func (c *Config) paths() []*string {
	k, r := &c.Kafka, &c.SchemaRegistry
	all := []*string{
		&c.Archive.TrustFile, &c.Archive.SigningKeyFile, &c.StateDir,
		&k.TLS.CAFile, &k.TLS.CertFile, &k.TLS.KeyFile, &k.SASL.PasswordFile, &k.SASL.TokenFile,
		&r.PasswordFile, &r.TokenFile, &r.CAFile, &r.CertFile, &r.KeyFile,
	}
	for i := range c.Regions {
		r := &c.Regions[i]
		all = append(all, &r.CAFile, &r.Credentials.SecretKeyFile, &r.Credentials.SessionTokenFile, &r.Credentials.TokenFile)
	}
	return all
}

// secretFile is a secret that may stand in a file of its own. Tokens that are
// renewed while we run (TokenFile) are not among them.
type secretFile struct {
	key    string
	secret *Secret
	file   *string
}

func (c *Config) secretFiles() []secretFile {
	all := []secretFile{
		{"kafka.sasl.password", &c.Kafka.SASL.Password, &c.Kafka.SASL.PasswordFile},
		{"schema_registry.password", &c.SchemaRegistry.Password, &c.SchemaRegistry.PasswordFile},
	}
	for i := range c.Regions {
		cr, key := &c.Regions[i].Credentials, element("regions", i)+".credentials"
		all = append(all,
			secretFile{key + ".secret_key", &cr.SecretKey, &cr.SecretKeyFile},
			secretFile{key + ".session_token", &cr.SessionToken, &cr.SessionTokenFile})
	}
	return all
}

func (c *Config) readSecrets() error {
	for _, s := range c.secretFiles() {
		if *s.file == "" {
			continue
		}
		text, err := readSecret(*s.file)
		if err != nil {
			return c.source.wrong(s.key+"_file", "%w", err)
		}
		*s.secret = text
	}
	return nil
}

// readSecret reads a file without the newline that editors put at its end.
func readSecret(path string) (Secret, error) {
	text, err := readLimited(path, maxSecretFile)
	if err != nil {
		return Secret{}, err
	}
	s := NewSecret(strings.TrimRight(string(text), "\r\n"))
	if s.IsZero() {
		return Secret{}, fmt.Errorf("read %s: the file is empty", path)
	}
	return s, nil
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(f, limit+1)); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(b.Len()) > limit {
		return nil, fmt.Errorf("read %s: %w", path, errTooLong)
	}
	return b.Bytes(), nil
}

var errTooLong = errors.New("the file is far too long")
