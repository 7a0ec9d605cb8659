package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

// The exit codes. Scripts rest on them: they never change their meaning.
const (
	exitDone        = 0
	exitFindings    = 1 // something was found, or refused
	exitUsage       = 2 // wrong usage or configuration; nothing was done
	exitUnavailable = 3 // something was not there; worth a retry
)

// usageError is a command line that cannot be meant.
type usageError struct {
	err  error
	help string // the command that explains, or empty
}

func (e *usageError) Error() string {
	if e.help == "" {
		return e.err.Error()
	}
	return fmt.Sprintf("%v (see %s)", e.err, e.help)
}

func (e *usageError) Unwrap() error { return e.err }

// usage marks an error in what was typed.
func usage(err error) error { return &usageError{err: err} }

// codedError gives an error the exit code that its verb knows better.
type codedError struct {
	err  error
	code int
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// refused marks findings and refusals: trying again changes nothing.
func refused(err error) error { return &codedError{err, exitFindings} }

// unavailable marks what may go well another time, unless a cause of it is
// known to be final.
func unavailable(err error) error {
	if isFinal(err) {
		return err
	}
	return &codedError{err, exitUnavailable}
}

// exitCode is the one place where errors become exit codes. An error that
// nothing is known of counts as refused: a script must not retry it for ever.
func exitCode(err error) int {
	var mistake *config.Error
	var wrong *usageError
	var coded *codedError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &wrong), errors.As(err, &mistake):
		return exitUsage
	case errors.As(err, &coded):
		return coded.code
	case isFinal(err):
		return exitFindings
	case isPassing(err):
		return exitUnavailable
	}
	return exitFindings
}

// isFinal knows errors that may look like trouble with the network and are not:
// nobody should retry until a certificate or a signature is believed.
func isFinal(err error) bool {
	var mistake *config.Error
	var cert *tls.CertificateVerificationError
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	return errors.Is(err, signed.ErrSignature) || errors.As(err, &mistake) || errors.As(err, &cert) || errors.As(err, &host) || errors.As(err, &unknown)
}

// isPassing knows the errors of what was not there or was interrupted.
func isPassing(err error) bool {
	var lost *cover.LostError
	var network net.Error
	var file *fs.PathError
	var retryable interface{ Retryable() bool }
	switch {
	case errors.As(err, &lost): // a copy that was read and is damaged stays so, whatever its store says
		return lost.Unavailable()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return true
	case objects.Retryable(err):
		return true
	case errors.As(err, &file): // its errno would pass for a net.Error
		return false
	case kerr.IsRetriable(err), errors.As(err, &network):
		return true
	}
	return errors.As(err, &retryable) && retryable.Retryable()
}

// report tells the person, or the script, what went wrong.
func (a *app) report(err error) {
	if err == nil {
		return
	}
	text := ui.Printable(err.Error())
	if errors.Is(err, context.Canceled) {
		text = "interrupted: " + text
	}
	if !a.json {
		fmt.Fprintln(a.stderr, "tidemark: "+text)
		return
	}
	_ = json.NewEncoder(a.stderr).Encode(struct { // stderr is gone; nobody to tell
		Error string `json:"error"`
		Exit  int    `json:"exit"`
	}{text, exitCode(err)})
}
