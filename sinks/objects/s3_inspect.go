package objects

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
)

// Capabilities implements Inspector. What the credentials may not ask is listed
// in Denied; only a store that cannot be asked at all is an error.
func (s *S3) Capabilities(ctx context.Context) (Capabilities, error) {
	var c Capabilities
	v, err := s.client.GetBucketVersioning(ctx, s.bucket)
	if err := s.inspected(ctx, &c, "s3:GetBucketVersioning", err); err != nil {
		return c, err
	}
	c.Versioning = v.Enabled()
	lock, mode, validity, unit, err := s.client.GetObjectLockConfig(ctx, s.bucket)
	if err := s.inspected(ctx, &c, "s3:GetBucketObjectLockConfiguration", err); err != nil {
		return c, err
	}
	c.ObjectLock = lock == "Enabled"
	c.DefaultMode, c.DefaultRetention = defaultLock(mode, validity, unit)
	c.Skew, c.HasSkew = s.clock.skew()
	return c, nil
}

// inspected sorts the answers to a question about the bucket: refused, never
// configured (which is a 404 with a code of its own), or a failure.
func (s *S3) inspected(ctx context.Context, c *Capabilities, permission string, err error) error {
	if err == nil || minio.ToErrorResponse(err).Code == "ObjectLockConfigurationNotFoundError" {
		return nil
	}
	err = s.fail(ctx, "capabilities", "", err)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	var e *Error
	if errors.As(err, &e) && e.Code == "AccessDenied" {
		c.Denied = append(c.Denied, permission)
		return nil
	}
	return err
}

func defaultLock(mode *minio.RetentionMode, validity *uint, unit *minio.ValidityUnit) (LockMode, time.Duration) {
	if mode == nil || validity == nil {
		return LockNone, 0
	}
	const day = 24 * time.Hour
	length := time.Duration(*validity) * day
	if unit != nil && *unit == minio.Years {
		length *= 365
	}
	if *mode == minio.Compliance {
		return LockCompliance, length
	}
	return LockGovernance, length
}

// clockTransport compares the Date of every answer with our clock.
type clockTransport struct {
	next  http.RoundTripper
	known atomic.Bool
	ahead atomic.Int64 // nanoseconds by which the store is ahead
}

// RoundTrip implements http.RoundTripper.
func (c *clockTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	if date, e := http.ParseTime(resp.Header.Get("Date")); e == nil {
		middle := start.Add(time.Since(start) / 2)
		// Date has no fraction: half a second is its middle.
		c.ahead.Store(int64(date.Add(time.Second / 2).Sub(middle)))
		c.known.Store(true)
	}
	return resp, nil
}

func (c *clockTransport) skew() (time.Duration, bool) {
	return time.Duration(c.ahead.Load()), c.known.Load()
}
