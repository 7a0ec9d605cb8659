package objects

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Config says where a bucket is and how to speak to it.
type S3Config struct {
	Bucket string
	// Prefix is put before every key, with one slash between; it may be empty.
	Prefix string
	// Endpoint is an http or https URL without a path; empty is AWS. Plain http
	// leaves the CRC-32C of every body as the only protection on the way.
	Endpoint string
	// Region is required for AWS. Elsewhere it is us-east-1 if empty, which
	// other stores take for any.
	Region string
	// Addressing is how the bucket stands in a request.
	Addressing Addressing
	// CAFile is a PEM file of certificates to trust instead of the system's.
	CAFile string
	// Insecure accepts any certificate. Anyone on the way can then read and
	// change what is sent; it exists for trying things out.
	Insecure    bool
	Credentials Credentials
	// GetLimit bounds Get in bytes; 0 is DefaultGetLimit.
	GetLimit int64
}

// Addressing is the place of the bucket's name in a request.
type Addressing int

const (
	// AddressingAuto is the host name for AWS and the path elsewhere.
	AddressingAuto Addressing = iota
	// AddressingPath is the path: https://host/bucket/key.
	AddressingPath
	// AddressingHost is the host name: https://bucket.host/key.
	AddressingHost
)

// defaultRegion signs requests to stores that have no regions.
const defaultRegion = "us-east-1"

// ParseS3URL reads
//
//	s3://bucket/prefix?endpoint=https://host:port&region=eu-west-1&path_style=true&ca_file=/ca.pem&insecure=true
//
// An unknown or repeated parameter is an error, and so are credentials, which
// do not belong into an address.
func ParseS3URL(text string) (S3Config, error) {
	u, err := url.Parse(text)
	if err != nil {
		return S3Config{}, errors.New("parse S3 address: not a URL") // its text may hold a secret
	}
	if u.Scheme != "s3" || u.Host == "" {
		return S3Config{}, errors.New("parse S3 address: want s3://bucket/prefix")
	}
	if u.User != nil {
		return S3Config{}, errors.New("parse S3 address: credentials do not belong into the address")
	}
	c := S3Config{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return S3Config{}, errors.New("parse S3 address: malformed parameters")
	}
	for name, v := range values {
		if len(v) != 1 {
			return S3Config{}, fmt.Errorf("parse S3 address: parameter %q is repeated", name)
		}
		if err := c.set(name, v[0]); err != nil {
			return S3Config{}, fmt.Errorf("parse S3 address: parameter %q: %w", name, err)
		}
	}
	return c, c.check()
}

func (c *S3Config) set(name, value string) error {
	var err error
	switch name {
	case "endpoint":
		c.Endpoint = value
	case "region":
		c.Region = value
	case "ca_file":
		c.CAFile = value
	case "insecure":
		c.Insecure, err = strconv.ParseBool(value)
	case "path_style":
		var path bool
		path, err = strconv.ParseBool(value)
		c.Addressing = AddressingHost
		if path {
			c.Addressing = AddressingPath
		}
	default:
		err = errors.New("unknown; want endpoint, region, path_style, ca_file or insecure")
	}
	return err
}

// check refuses what could only fail later, or quietly mean something else.
func (c *S3Config) check() error {
	if c.Bucket == "" {
		return errors.New("check S3 configuration: no bucket")
	}
	if c.Prefix != "" {
		if err := CheckKey(c.Prefix); err != nil {
			return fmt.Errorf("check S3 configuration: prefix: %w", err)
		}
		// S3 allows 1,024 bytes for both.
		if len(c.Prefix)+1+maxKey > 1024 {
			return fmt.Errorf("check S3 configuration: prefix of %d bytes, want at most %d", len(c.Prefix), 1023-maxKey)
		}
	}
	if c.Endpoint == "" && c.Region == "" {
		return errors.New("check S3 configuration: no region: AWS needs one")
	}
	_, _, err := c.host()
	return err
}

// host splits the endpoint as minio-go wants it.
func (c *S3Config) host() (host string, secure bool, err error) {
	if c.Endpoint == "" {
		return "s3.amazonaws.com", true, nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" ||
		(u.Scheme != "http" && u.Scheme != "https") {
		return "", false, errors.New("check S3 configuration: endpoint: want https://host or https://host:port")
	}
	return u.Host, u.Scheme == "https", nil
}

// region is the one that requests are signed for.
func (c *S3Config) region() string { return orDefault(c.Region, defaultRegion) }

// client makes the minio-go client. MaxRetries is 1: minio-go would repeat a
// conditional PUT whose answer was lost and report a 412 for its own success;
// the retry decorator and Ensure know what to make of that.
func (c *S3Config) client(t http.RoundTripper, keys *credentials.Credentials) (*minio.Core, error) {
	host, secure, err := c.host()
	if err != nil {
		return nil, err
	}
	lookup := map[Addressing]minio.BucketLookupType{AddressingAuto: minio.BucketLookupAuto,
		AddressingPath: minio.BucketLookupPath, AddressingHost: minio.BucketLookupDNS}[c.Addressing]
	return minio.NewCore(host, &minio.Options{Creds: keys, Secure: secure,
		Region: c.region(), BucketLookup: lookup, MaxRetries: 1, Transport: t})
}

// transport keeps many connections: every partition may write at once.
func (c *S3Config) transport() (*http.Transport, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA file %s: no PEM certificate in it", c.CAFile)
		}
	}
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialWhole(dialer.DialContext),
		TLSClientConfig:       conf,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,      // a store that says nothing is down
		IdleConnTimeout:       50 * time.Second, // below the minute after which load balancers drop them
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		DisableCompression:    true,     // objects come as they are stored
		WriteBufferSize:       16 << 10, // for headers; a body goes by wholeConn
		ReadBufferSize:        64 << 10,
	}, nil
}
