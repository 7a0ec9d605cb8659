package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/sinks/objects"
)

// Place is where objects are kept: a bucket and prefix, or a directory. The
// zero Place is none.
type Place struct {
	text string
	// s3 is set for a bucket, dir for a directory.
	s3  *objects.S3Config
	dir string
}

// UnmarshalText reads s3://bucket/prefix?endpoint=…&region=…&path_style=true,
// file:///directory or file:directory. Errors do not repeat the text, in which
// somebody may have put a password.
func (p *Place) UnmarshalText(text []byte) error {
	scheme, rest, _ := strings.Cut(string(text), ":")
	switch scheme {
	case "s3":
		s3, err := objects.ParseS3URL(string(text))
		if err != nil {
			return err
		}
		if s3.CAFile != "" || s3.Insecure {
			return errors.New("ca_file is a key of the region, and certificates are always checked")
		}
		*p = Place{text: string(text), s3: &s3}
		return nil
	case "file":
		dir, err := fileDir(rest)
		if err != nil {
			return err
		}
		*p = directory(dir)
		return nil
	}
	return errors.New("want s3://bucket/prefix?endpoint=…&region=… or file:///directory")
}

// fileDir reads what follows "file:". With two slashes there is a host, which
// must be empty or a dot that begins a relative path.
func fileDir(rest string) (string, error) {
	host, hasHost := strings.CutPrefix(rest, "//")
	if hasHost && !strings.HasPrefix(host, "/") && !strings.HasPrefix(host, ".") {
		return "", errors.New("names a host: want file:///directory or file:directory")
	}
	dir, err := url.PathUnescape(host)
	if err != nil || dir == "" || strings.ContainsAny(dir, "?#\x00") {
		return "", errors.New("names no directory: want file:///directory or file:directory")
	}
	return filepath.Clean(dir), nil
}

func directory(dir string) Place {
	return Place{text: (&url.URL{Scheme: "file", Path: dir}).String(), dir: dir}
}

// MarshalText writes the place as it was read.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.text), nil }

// String returns the address, as objects.Open takes it. It holds no secret.
func (p Place) String() string { return p.text }

// IsZero reports whether no place was given.
func (p Place) IsZero() bool { return p.text == "" }

// Dir returns the directory, or "" if the place is a bucket.
func (p Place) Dir() string { return p.dir }

// S3 returns the bucket's address without credentials and CA file, or false if
// the place is a directory.
func (p Place) S3() (objects.S3Config, bool) {
	if p.s3 == nil {
		return objects.S3Config{}, false
	}
	return *p.s3, true
}

func (p *Place) resolve(dir string) {
	if p.dir != "" && !filepath.IsAbs(p.dir) {
		*p = directory(filepath.Join(dir, p.dir))
	}
}

// identity returns the place as a list of steps: two places are apart if
// neither list begins with the other. The region of a bucket is left out: a
// bucket's name is unique at its endpoint, whatever region is asked.
func (p Place) identity() []string {
	if p.s3 != nil {
		steps := []string{"s3", endpoint(p.s3.Endpoint), strings.ToLower(p.s3.Bucket)}
		return append(steps, split(p.s3.Prefix)...)
	}
	return append([]string{"file"}, split(filepath.ToSlash(followed(p.dir)))...)
}

func split(name string) []string {
	name = strings.Trim(path.Clean("/"+name), "/")
	if name == "" {
		return nil
	}
	return strings.Split(name, "/")
}

// followed follows symbolic links as far as the directory exists.
func followed(dir string) string {
	if r, err := filepath.EvalSymlinks(dir); err == nil {
		return r
	}
	up := filepath.Dir(dir)
	if up == dir {
		return dir
	}
	return filepath.Join(followed(up), filepath.Base(dir))
}

// endpoint returns host and port in one spelling.
func endpoint(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") + ":" + port
}

// overlaps reports whether one place is the other or lies within it.
func (p Place) overlaps(o Place) bool {
	a, b := p.identity(), o.identity()
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

// KMS is the address of what wraps a region's key-encryption keys.
type KMS struct {
	text string
	// local is the key file of local:// addresses.
	local string
}

// kmsSchemes are those compiled in; gocloud.dev/secrets documents the addresses
// of all but local.
var kmsSchemes = []string{"local", "awskms", "gcpkms", "azurekeyvault", "hashivault"}

// UnmarshalText reads local:///path, local:path or an address of a service.
func (k *KMS) UnmarshalText(text []byte) error {
	scheme, rest, ok := strings.Cut(string(text), ":")
	if !ok || !slices.Contains(kmsSchemes, scheme) {
		return fmt.Errorf("want an address that begins with one of %s", strings.Join(kmsSchemes, "://, ")+"://")
	}
	if scheme != "local" {
		*k = KMS{text: string(text)}
		return nil
	}
	file, err := fileDir(rest)
	if err != nil {
		return errors.New("want local:///path/of/key or local:path/of/key")
	}
	*k = localKMS(file)
	return nil
}

func localKMS(file string) KMS {
	return KMS{text: (&url.URL{Scheme: "local", Path: file}).String(), local: file}
}

// MarshalText writes the address as it was read.
func (k KMS) MarshalText() ([]byte, error) { return []byte(k.text), nil }

// String returns the address.
func (k KMS) String() string { return k.text }

// IsZero reports whether none was given.
func (k KMS) IsZero() bool { return k.text == "" }

// LocalFile returns the key file of a local KMS, or "" for a service.
func (k KMS) LocalFile() string { return k.local }

func (k *KMS) resolve(dir string) {
	if k.local != "" && !filepath.IsAbs(k.local) {
		*k = localKMS(filepath.Join(dir, k.local))
	}
}
