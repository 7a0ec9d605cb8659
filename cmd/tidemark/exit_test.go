package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

func TestExitCodes(t *testing.T) {
	refusedDial := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	damaged := &cover.CopyError{Err: &objects.Error{Retryable: true, Err: object.ErrDamaged}}
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"all copies damaged":     {&cover.LostError{Copies: []*cover.CopyError{damaged}}, exitFindings},
		"a copy out of reach":    {&cover.LostError{Copies: []*cover.CopyError{damaged, {Err: refusedDial}}}, exitUnavailable},
		"done":                   {nil, exitDone},
		"configuration":          {&config.Error{Err: errors.New("x")}, exitUsage},
		"a file that is there":   {fmt.Errorf("write: %w", &fs.PathError{Err: syscall.EEXIST}), exitFindings},
		"flag":                   {usage(errors.New("x")), exitUsage},
		"finding":                {refused(errors.New("x")), exitFindings},
		"finding over an outage": {refused(refusedDial), exitFindings},
		"signature":              {signed.ErrSignature, exitFindings},
		"signature, marked":      {unavailable(signed.ErrSignature), exitFindings},
		"conflict":               {&objects.ConflictError{}, exitFindings},
		"permission":             {&objects.Error{Kind: fs.ErrPermission}, exitFindings},
		"nobody knows":           {errors.New("x"), exitFindings},
		"store is slow":          {&objects.Error{Retryable: true}, exitUnavailable},
		"broker is down":         {refusedDial, exitUnavailable},
		"no leader":              {kerr.LeaderNotAvailable, exitUnavailable},
		"wrong password":         {kerr.SaslAuthenticationFailed, exitFindings},
		"signal":                 {context.Canceled, exitUnavailable},
		"deadline":               {context.DeadlineExceeded, exitUnavailable},
		"left to the next":       {unavailable(errors.New("x")), exitUnavailable},
		"certificate":            {&url.Error{Err: x509.UnknownAuthorityError{}}, exitFindings},
		"certificate, marked":    {unavailable(&url.Error{Err: x509.HostnameError{Certificate: new(x509.Certificate)}}), exitFindings},
		"configuration, marked":  {unavailable(&config.Error{Err: errors.New("x")}), exitUsage},
		"configuration, refused": {refused(&config.Error{Err: errors.New("x")}), exitUsage},
		"one of two unreachable": {errors.Join(errors.New("x"), refusedDial), exitUnavailable},
	} {
		if got := exitCode(wrapped(test.err)); got != test.want {
			t.Errorf("%s: exit %d, want %d", name, got, test.want)
		}
	}
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("do something: %w", err)
}

// An error that repeats what a record holds stays one line.
func TestErrorsAreOneLine(t *testing.T) {
	for _, json := range []bool{false, true} {
		var out bytes.Buffer
		a := &app{stderr: &out, json: json}
		a.report(errors.New("topic \"x\ntidemark: all is well\r\x1b[2J\u009b\""))
		if s := out.String(); strings.Count(s, "\n") != 1 || strings.ContainsAny(s, "\r\x1b\u009b") {
			t.Errorf("wrote %q", s)
		}
	}
}
