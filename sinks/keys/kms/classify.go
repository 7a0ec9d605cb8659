//go:build !nocloud

package kms

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/aws/smithy-go"
	"github.com/hashicorp/vault/api"
	"gocloud.dev/gcerrors"
	"gocloud.dev/secrets"
	"gocloud.dev/secrets/driver"
)

// keeper mends what gocloud's drivers leave open. It gives codes to errors
// that have none: a refusal by Vault, or a missing grant in AWS, would look
// like an outage and be retried for ever. And it ends a call with its context,
// which the driver for Vault does not do.
type keeper struct{ *secrets.Keeper }

func classified(k *secrets.Keeper) *secrets.Keeper { return secrets.NewKeeper(keeper{k}) }

var _ driver.Keeper = keeper{}

// Encrypt ends with ctx; the vendor's client may go on in the background until
// its own time-out.
func (k keeper) Encrypt(ctx context.Context, plaintext []byte) ([]byte, error) {
	plaintext = bytes.Clone(plaintext) // the caller may wipe its own
	return bounded(ctx, func() ([]byte, error) { return k.Keeper.Encrypt(ctx, plaintext) })
}

// Decrypt ends with ctx, as Encrypt does.
func (k keeper) Decrypt(ctx context.Context, ciphertext []byte) ([]byte, error) {
	return bounded(ctx, func() ([]byte, error) { return k.Keeper.Decrypt(ctx, ciphertext) })
}

type answer struct {
	text []byte
	err  error
}

func bounded(ctx context.Context, call func() ([]byte, error)) ([]byte, error) {
	done := make(chan answer, 1)
	go func() { done <- guarded(call) }()
	select {
	case a := <-done:
		return a.text, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// errAnswer stands for an answer that the driver cannot read.
var errAnswer = errors.New("answer has not the expected form")

// guarded turns a panic into an error: the driver for Vault panics where an
// answer lacks a field, as a proxy's empty 204 does.
func guarded(call func() ([]byte, error)) (a answer) {
	defer func() {
		if recover() != nil {
			a = answer{err: errAnswer}
		}
	}()
	text, err := call()
	return answer{text, err}
}

// ErrorAs gives callers the vendor's own error types.
func (k keeper) ErrorAs(err error, into any) bool { return k.Keeper.ErrorAs(err, into) }

// ErrorCode keeps the driver's code, and fills in where there is none.
func (k keeper) ErrorCode(err error) gcerrors.ErrorCode {
	if code := gcerrors.Code(err); code != gcerrors.Unknown {
		return code
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return gcerrors.DeadlineExceeded
	}
	var vault *api.ResponseError
	if errors.As(err, &vault) {
		return vaultCode(vault.StatusCode)
	}
	var aws smithy.APIError
	if errors.As(err, &aws) {
		return awsCode(aws.ErrorCode())
	}
	return gcerrors.Unknown
}

// vaultCode follows the status codes of Vault's HTTP API: 400 is what transit
// answers to a ciphertext of another key.
func vaultCode(status int) gcerrors.ErrorCode {
	switch status {
	case http.StatusBadRequest:
		return gcerrors.InvalidArgument
	case http.StatusForbidden:
		return gcerrors.PermissionDenied
	case http.StatusNotFound:
		return gcerrors.NotFound
	case http.StatusTooManyRequests:
		return gcerrors.ResourceExhausted
	}
	return gcerrors.Unknown
}

// awsCode knows the codes of AWS KMS that gocloud's table leaves out.
func awsCode(code string) gcerrors.ErrorCode {
	switch code {
	case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException":
		return gcerrors.PermissionDenied
	case "IncorrectKeyException":
		return gcerrors.InvalidArgument
	case "ThrottlingException", "LimitExceededException":
		return gcerrors.ResourceExhausted
	}
	return gcerrors.Unknown
}
