package keys

import (
	"context"
	"errors"
	"fmt"

	"gocloud.dev/gcerrors"
)

// The three ways a key can be refused, to be told apart by errors.Is. A page
// or KEK that is not there is fs.ErrNotExist, one that was changed or forged
// is signed.ErrSignature.
var (
	// ErrWrongKey: the file is genuine, but this key does not open it; for
	// instance the KEK file of another region, or another archive's KMS key.
	ErrWrongKey = errors.New("wrong key")
	// ErrKeyDisabled: the KMS answered and refused. A retry will not help
	// before somebody enables the key or grants its use.
	ErrKeyDisabled = errors.New("KMS key is disabled, deleted or may not be used")
	// ErrKMSUnavailable: the KMS did not answer, or is throttling. Worth a retry.
	ErrKMSUnavailable = errors.New("KMS is unavailable")
)

// KMSError is an answer of a region's KMS, or the lack of one.
type KMSError struct {
	// Region is the region's name, KMS the URL without its query.
	Region, KMS string
	// Reason is ErrWrongKey, ErrKeyDisabled or ErrKMSUnavailable.
	Reason error
	// Err is what the KMS's client said.
	Err error
}

func (e *KMSError) Error() string {
	return fmt.Sprintf("KMS %s of region %s: %v: %v", e.KMS, e.Region, e.Reason, e.Err)
}

// Unwrap makes both the reason and the client's error visible to errors.Is.
func (e *KMSError) Unwrap() []error { return []error{e.Reason, e.Err} }

// Retryable reports whether the same call may succeed later by itself.
func (e *KMSError) Retryable() bool { return errors.Is(e.Reason, ErrKMSUnavailable) }

// kmsError sorts a keeper's error by its code, never by its text. What is not
// understood counts as an outage: waiting loses nothing.
func (r *Region) kmsError(err error, invalid error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	e := &KMSError{Region: r.Name, KMS: r.kmsName(), Reason: ErrKMSUnavailable, Err: err}
	switch gcerrors.Code(err) {
	case gcerrors.InvalidArgument:
		e.Reason = invalid
	case gcerrors.FailedPrecondition, gcerrors.PermissionDenied, gcerrors.NotFound:
		e.Reason = ErrKeyDisabled
	}
	return e
}
