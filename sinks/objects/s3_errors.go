package objects

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
)

// fail turns an error of minio-go into one of ours. The end of the caller's
// context comes back as it is.
func (s *S3) fail(ctx context.Context, op, key string, err error) error {
	if e := ended(ctx); e != nil {
		return e
	}
	e := &Error{Op: op, Key: key, Store: s.Name(), Err: err}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode != 0 {
		e.Code = answer.Code
		s.classify(e, answer)
		return e
	}
	classifyUnanswered(e)
	return e
}

// classify decides by code, and by status where the code says nothing: HEAD
// has no body, and so no code of the store's own.
func (s *S3) classify(e *Error, a minio.ErrorResponse) {
	switch a.Code {
	case "NoSuchKey", "NoSuchVersion":
		e.Kind, e.Err = fs.ErrNotExist, nil
	case "NoSuchBucket":
		e.Hint = "create the bucket, or correct its name"
	case "ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired":
		s.expired(e)
	case "RequestTimeTooSkewed":
		e.Kind, e.Hint = fs.ErrPermission, s.skewHint()
	case "InvalidAccessKeyId", "SignatureDoesNotMatch":
		e.Kind, e.Hint = fs.ErrPermission, "the access key or its secret is wrong"
	case "BadDigest", "IncompleteBody", "XAmzContentChecksumMismatch":
		e.Kind, e.Retryable = ErrCorrupt, true
	case "RequestTimeout", "SlowDown", "Throttling", "ThrottlingException":
		e.Retryable = true
	case "InvalidRequest":
		e.Kind = fs.ErrInvalid
		if e.Op == "put" {
			e.Hint = "a locked object needs a bucket with Object Lock"
		}
	case "AuthorizationHeaderMalformed", "PermanentRedirect":
		e.Hint = "the bucket is in another region than configured"
	default:
		if e.Op == "stat" && a.StatusCode == http.StatusBadRequest {
			s.expired(e) // all that a HEAD of AWS's says of an expired token
			return
		}
		classifyStatus(e, a.StatusCode)
	}
}

// expired has the credentials renewed before the call is repeated.
func (s *S3) expired(e *Error) {
	s.keys.renew()
	e.Kind, e.Retryable, e.Hint = fs.ErrPermission, true, "the credentials have expired; they are fetched anew, if their source has others"
}

func classifyStatus(e *Error, status int) {
	switch {
	case status == http.StatusPreconditionFailed && e.Op == "put":
		e.Kind, e.Err = fs.ErrExist, nil
	case status == http.StatusConflict, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		// 409 is ConditionalRequestConflict: somebody else writes this name
		// right now. Whether it will exist is not known yet.
		e.Retryable = true
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Kind, e.Hint = fs.ErrPermission, "needs "+permissions[e.Op]
	case status == http.StatusNotImplemented:
		e.Kind = errors.ErrUnsupported
	case status >= 500:
		e.Retryable = true
	}
}

// permissions names what IAM calls the permission for an operation.
var permissions = map[string]string{
	"put":          "s3:PutObject, and s3:PutObjectRetention for a lock",
	"get":          "s3:GetObject, and s3:ListBucket to tell absent from refused",
	"readat":       "s3:GetObject, and s3:ListBucket to tell absent from refused",
	"stat":         "s3:GetObject, and s3:ListBucket to tell absent from refused",
	"list":         "s3:ListBucket",
	"versions":     "s3:ListBucketVersions",
	"delete":       "s3:DeleteObjectVersion, or the version is under Object Lock",
	"capabilities": "s3:GetBucketVersioning and s3:GetBucketObjectLockConfiguration",
}

// classifyUnanswered handles a request that got no answer: the network, or a
// certificate or credentials that no repetition mends.
func classifyUnanswered(e *Error) {
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(e.Err, errNoCredentials):
		e.Code, e.Kind, e.Hint = "NoCredentials", fs.ErrPermission, "configure credentials for this bucket"
	case errors.Is(e.Err, errNotRenewed):
		e.Code, e.Kind, e.Retryable, e.Hint = "NoCredentials", fs.ErrPermission, true, "the credentials have ended; look at the service that renews them"
	case errors.As(e.Err, &cert):
		e.Code, e.Hint = "Certificate", certificateHint(cert)
	default:
		e.Code, e.Retryable = CodeNetwork, true
		if errors.Is(e.Err, io.EOF) {
			e.Err = errors.New("connection closed") // an io.EOF in here would look like the object's end
		}
	}
}

func certificateHint(err error) string {
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired or is not valid yet: renew it, or set this machine's clock"
	case errors.As(err, &host):
		return "the server's certificate is for another host: correct the endpoint, or the certificate"
	default:
		return "the server's certificate is not trusted; name its CA in ca_file"
	}
}

func (s *S3) skewHint() string {
	skew, ok := s.clock.skew()
	if !ok {
		return "set this machine's clock"
	}
	return fmt.Sprintf("this machine's clock is %v off the store's", skew.Round(time.Second).Abs())
}

// deleteError knows the words of other stores for a lock, and that a version
// which is not there any more was deleted.
func (s *S3) deleteError(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(e.Kind, fs.ErrNotExist):
		return nil
	case e.Code == "ObjectLocked", e.Code == "InvalidRequest":
		// AWS answers a locked version with AccessDenied; MinIO and versitygw
		// with these.
		return locked(s.Name(), e.Key)
	default:
		return err
	}
}
