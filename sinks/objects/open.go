package objects

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Options are the settings of Open and Stack. The zero value opens a store
// with the credentials of its surroundings, and stacks retry, circuit breaker
// and time-out with their defaults on it.
type Options struct {
	// Credentials are S3's.
	Credentials Credentials
	// Create makes a directory store's directory if it does not exist.
	Create bool
	// GetLimit bounds Get in bytes; 0 is DefaultGetLimit.
	GetLimit int64

	Retry   RetryOptions
	Breaker BreakerOptions
	// Timeout bounds each call; 0 is DefaultTimeout.
	Timeout time.Duration
	// Stall bounds how long a read stands still; 0 is DefaultStall.
	Stall time.Duration
	// Cache is left out while its Bytes are 0.
	Cache CacheOptions
	// Observer is told of everything, unless one of the above has its own.
	Observer Observer
}

// Open opens a store by its address:
//
//	s3://bucket/prefix?region=eu-west-1   an S3 bucket; see ParseS3URL
//	file:///abs/dir, file:dir             a directory
//	memory:label                          a new, empty store in memory
//
// It makes no request: a store that is down opens all the same, since the
// other region goes on without it. Errors do not repeat the address, which may
// hold a secret by mistake.
func Open(ctx context.Context, address string, o Options) (Store, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "s3":
		c, err := ParseS3URL(address)
		if err != nil {
			return nil, err
		}
		c.Credentials, c.GetLimit = o.Credentials, o.GetLimit
		return opened(OpenS3(c))
	case "file":
		path, err := filePath(address)
		if err != nil {
			return nil, err
		}
		return opened(OpenDir(path, DirOptions{GetLimit: o.GetLimit, Create: o.Create}))
	case "memory":
		return NewMemory(MemoryOptions{Label: rest, GetLimit: o.GetLimit}), nil
	default:
		return nil, errors.New("open store: want an address of s3, file or memory")
	}
}

// opened keeps a nil pointer from becoming a Store that is not nil.
func opened[S Store](s S, err error) (Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// filePath reads file:///abs/dir and file:dir. A host is refused: in
// file://dir/x "dir" would be one, and silently dropped.
func filePath(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || (u.Host != "" && u.Host != "localhost") {
		return "", errors.New("open store: want file:///absolute/directory or file:relative/directory")
	}
	path := u.Path
	if u.Opaque != "" {
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return "", fmt.Errorf("open store: %w", err)
		}
	}
	if path == "" {
		return "", errors.New("open store: the address names no directory")
	}
	return path, nil
}

// Stack puts the decorators on s. From the outside in:
//
//	cache     a hit costs nothing below it
//	retry     sees ErrOpen, and waits until the breaker tries again
//	breaker   sees single failures; outside retry it would see one in a minute
//	gentle    waits for its turn, which is no time of the store's
//	time-out  a store that hangs must count as a failure to the breaker
//	observe   far inside, so that the metrics show what the store really does
//	stall     innermost, so that a call which stood still is not taken for one
//	          that its caller cancelled
func Stack(s Store, o Options) Store {
	s = Stall(s, o.Stall)
	if o.Observer != nil {
		s = Observe(s, o.Observer)
	}
	o.Retry.Observer = orDefault(o.Retry.Observer, o.Observer)
	o.Breaker.Observer = orDefault(o.Breaker.Observer, o.Observer)
	o.Cache.Observer = orDefault(o.Cache.Observer, o.Observer)
	s = Timeout(s, o.Timeout)
	s = Gentle(s)
	s = Breaker(s, o.Breaker)
	s = Retry(s, o.Retry)
	if o.Cache.Bytes > 0 {
		s = Cache(s, o.Cache)
	}
	return s
}
