package objects_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

func TestS3(t *testing.T) {
	for name, o := range map[string]objectstest.S3Options{
		"plain": {}, "versions": {Versioning: true}, "lock": {ObjectLock: true},
	} {
		t.Run(name, func(t *testing.T) {
			objectstest.Run(t, func(t *testing.T) objects.Store { return objectstest.NewS3(t, o).Open(t) })
		})
	}
}

func openS3(t *testing.T, o objectstest.S3Options) (*objectstest.S3, *objects.S3) {
	t.Helper()
	server := objectstest.NewS3(t, o)
	return server, server.Open(t)
}

// What a PUT must and must not carry, plain and over TLS: the condition, the
// checksum, one request for any size, no SHA-256 of the body.
func TestS3PutHeaders(t *testing.T) {
	for _, tls := range []bool{false, true} {
		server := objectstest.NewS3(t, objectstest.S3Options{ObjectLock: true, TLS: tls})
		conf := server.Config()
		conf.Insecure = true
		s, err := objects.OpenS3(conf)
		if err != nil {
			t.Fatal(err)
		}
		body := bytes.Repeat([]byte("x"), 40<<20) // above minio-go's limit for multipart
		if err := s.Put(t.Context(), "k", body, objects.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		requests := server.Requests()
		if len(requests) != 1 {
			t.Fatalf("%d requests, want 1", len(requests))
		}
		h := requests[0].Header
		for name, want := range map[string]string{"If-None-Match": "*", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
			"X-Amz-Checksum-Crc32c": crcHeader(body), "Content-Md5": "", "X-Amz-Trailer": ""} {
			if got := h.Get(name); got != want {
				t.Errorf("TLS %v: %s is %q, want %q", tls, name, got, want)
			}
		}
		if signed := h.Get("Authorization"); !strings.Contains(signed, "if-none-match") || !strings.Contains(signed, "x-amz-checksum-crc32c") {
			t.Errorf("TLS %v: condition and checksum are not signed: %s", tls, signed)
		}
	}
}

func crcHeader(b []byte) string {
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// Errors are told apart by code. None but a 404 for the key is an absence, none
// but a 412 a taken name.
func TestS3Errors(t *testing.T) {
	for _, c := range []struct {
		status    int
		code      string
		kind      error
		retryable bool
	}{
		{401, "Unauthorized", fs.ErrPermission, false},
		{403, "AccessDenied", fs.ErrPermission, false},
		{403, "AllAccessDisabled", fs.ErrPermission, false},
		{403, "SignatureDoesNotMatch", fs.ErrPermission, false},
		{403, "RequestTimeTooSkewed", fs.ErrPermission, false},
		{400, "ExpiredToken", fs.ErrPermission, true},
		{400, "InvalidRequest", fs.ErrInvalid, false},
		{400, "BadDigest", objects.ErrCorrupt, true},
		{404, "NoSuchBucket", nil, false},
		{404, "NoSuchKey", fs.ErrNotExist, false},
		{409, "ConditionalRequestConflict", nil, true},
		{409, "OperationAborted", nil, true},
		{429, "TooManyRequests", nil, true},
		{500, "InternalError", nil, true},
		{501, "NotImplemented", errors.ErrUnsupported, false},
		{503, "SlowDown", nil, true},
		{503, "AccessDenied by name only", nil, true},
	} {
		t.Run(c.code, func(t *testing.T) {
			server, s := openS3(t, objectstest.S3Options{})
			server.Fault(objectstest.Answer(http.MethodPut, c.status, c.code))
			checkError(t, s.Put(t.Context(), "k", nil, objects.PutOptions{}), c.kind, c.retryable)
			server.Fault(objectstest.Answer(http.MethodGet, c.status, c.code))
			_, err := s.Get(t.Context(), "k")
			checkError(t, err, c.kind, c.retryable)
			_, err = s.ReadAt(t.Context(), "k", make([]byte, 1), 0)
			checkError(t, err, c.kind, c.retryable)
			for _, err := range s.List(t.Context(), "", "") {
				checkError(t, err, c.kind, c.retryable)
			}
		})
	}
}

func checkError(t *testing.T, err, kind error, retryable bool) {
	t.Helper()
	if err == nil || objects.Retryable(err) != retryable {
		t.Errorf("%v: retryable %v, want %v", err, objects.Retryable(err), retryable)
	}
	for _, k := range []error{fs.ErrExist, fs.ErrNotExist, fs.ErrPermission, fs.ErrInvalid, objects.ErrCorrupt, errors.ErrUnsupported} {
		if errors.Is(err, k) != (k == kind) {
			t.Errorf("%v: is %v: %v", err, k, k != kind)
		}
	}
}

// HEAD has no body, and so no code: refused and broken stay what they are.
func TestS3StatErrors(t *testing.T) {
	server, s := openS3(t, objectstest.S3Options{})
	for status, kind := range map[int]error{401: fs.ErrPermission, 403: fs.ErrPermission, 500: nil, 503: nil, 400: nil} {
		server.Fault(objectstest.Answer(http.MethodHead, status, ""))
		_, err := s.Stat(t.Context(), "k")
		if err == nil || errors.Is(err, fs.ErrNotExist) || kind != nil && !errors.Is(err, kind) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestS3MissingBucketIsNoAbsence(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{})
	conf := server.Config()
	conf.Bucket = "another"
	s, err := objects.OpenS3(conf)
	if err != nil {
		t.Fatal(err)
	}
	_, stat := s.Stat(t.Context(), "k")
	_, get := s.Get(t.Context(), "k")
	for _, err := range []error{stat, get, s.Put(t.Context(), "k", nil, objects.PutOptions{})} {
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("in a missing bucket: %v", err)
		}
	}
}

// A body that ends early is an error, whether the connection breaks or
// the store announces less than it keeps.
func TestS3ShortBodies(t *testing.T) {
	server, s := openS3(t, objectstest.S3Options{})
	mustPut(t, s, "k", "0123456789", objects.PutOptions{})
	for _, honest := range []bool{true, false} {
		server.Fault(objectstest.Cut(6, honest))
		if body, err := s.Get(t.Context(), "k"); !errors.Is(err, objects.ErrCorrupt) || !objects.Retryable(err) {
			t.Errorf("get, honest %v: %q, %v", honest, body, err)
		}
		if n, err := s.ReadAt(t.Context(), "k", make([]byte, 8), 1); n != 0 || !errors.Is(err, objects.ErrCorrupt) || errors.Is(err, io.EOF) {
			t.Errorf("range, honest %v: %d, %v", honest, n, err)
		}
	}
}

// An answer to another range than was asked for is no answer.
func TestS3WrongRange(t *testing.T) {
	server, s := openS3(t, objectstest.S3Options{})
	mustPut(t, s, "k", "0123456789", objects.PutOptions{})
	for _, other := range []string{"bytes=3-4", "bytes=2-4", "bytes=2-2", ""} {
		server.Fault(objectstest.RewriteRange(other))
		if n, err := s.ReadAt(t.Context(), "k", make([]byte, 2), 2); n != 0 || !errors.Is(err, objects.ErrCorrupt) {
			t.Errorf("range 2-3 answered with %q: %d, %v", other, n, err)
		}
	}
}

// The store makes one request for a call: whoever repeats a conditional PUT
// must know what its 412 means.
func TestS3RepeatsNothing(t *testing.T) {
	server, s := openS3(t, objectstest.S3Options{})
	server.Fault(objectstest.Answer(http.MethodPut, http.StatusServiceUnavailable, "SlowDown"))
	if err := s.Put(t.Context(), "k", []byte("x"), objects.PutOptions{}); !objects.Retryable(err) || len(server.Requests()) != 1 {
		t.Errorf("put: %v after %d requests, want 1", err, len(server.Requests()))
	}
}

func TestProbeAccess(t *testing.T) {
	server, s := openS3(t, objectstest.S3Options{Versioning: true})
	for _, c := range []struct {
		method string
		denied []string
	}{
		{http.MethodPut, []string{"put"}},
		{http.MethodDelete, []string{"delete"}},
		{http.MethodHead, []string{"stat"}},
		{http.MethodGet, []string{"list", "get", "readat", "versions", "delete"}}, // what cannot be listed is not deleted
	} {
		server.Fault(objectstest.Answer(c.method, http.StatusForbidden, "AccessDenied"))
		var denied []string
		for _, a := range objects.ProbeAccess(t.Context(), s) {
			if errors.Is(a.Err, fs.ErrPermission) {
				denied = append(denied, a.Op)
			} else if a.Err != nil {
				t.Errorf("%s: %v", a.Op, a.Err)
			}
		}
		if !slices.Equal(denied, c.denied) {
			t.Errorf("without %s: %q are denied, want %q", c.method, denied, c.denied)
		}
	}
}

// A store that ignores If-None-Match is found out.
func TestS3IgnoredConditionIsFound(t *testing.T) {
	_, s := openS3(t, objectstest.S3Options{IgnoreConditions: true, Versioning: true})
	if ok, err := objects.ProbeConditional(t.Context(), s); ok || err != nil {
		t.Errorf("probe: %v, %v, want false", ok, err)
	}
}

func TestS3Capabilities(t *testing.T) {
	server, s := openS3(t, objectstest.S3Options{ObjectLock: true, DefaultRetention: 7, ClockAhead: time.Hour})
	c, err := s.Capabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !c.Versioning || !c.ObjectLock || c.DefaultMode != objects.LockGovernance || c.DefaultRetention != 7*24*time.Hour {
		t.Errorf("capabilities: %+v", c)
	}
	if off := (c.Skew - time.Hour).Abs(); !c.HasSkew || off > 5*time.Second {
		t.Errorf("clock is %v off, want an hour", c.Skew)
	}
	server.Fault(objectstest.Answer(http.MethodGet, http.StatusForbidden, "AccessDenied"))
	if c, err = s.Capabilities(t.Context()); err != nil || len(c.Denied) != 2 {
		t.Errorf("capabilities that are refused: %+v, %v", c, err)
	}
	server.Fault(objectstest.Answer(http.MethodGet, http.StatusForbidden, "RequestTimeTooSkewed"))
	var e *objects.Error
	if _, err := s.Capabilities(t.Context()); !errors.As(err, &e) || !strings.Contains(e.Hint, "1h0m") {
		t.Errorf("a skew error: %v, want a hint that names an hour", err)
	}
}

func TestS3GetLimit(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{})
	conf := server.Config()
	conf.GetLimit = 4
	s, err := objects.OpenS3(conf)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "k", "12345", objects.PutOptions{})
	if _, err := s.Get(t.Context(), "k"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("get above the limit: %v", err)
	}
}

// A deletion that names no version would hide the object and call it done.
func TestS3DeleteNeedsVersion(t *testing.T) {
	server, s := openS3(t, objectstest.S3Options{Versioning: true})
	mustPut(t, s, "k", "x", objects.PutOptions{})
	if err := s.DeleteVersion(t.Context(), "k", ""); !errors.Is(err, fs.ErrInvalid) || server.Versions("k") != 1 {
		t.Errorf("delete: %v, %d versions", err, server.Versions("k"))
	}
}

func TestS3DeleteMarker(t *testing.T) {
	server, s := openS3(t, objectstest.S3Options{Versioning: true})
	mustPut(t, s, "k", "x", objects.PutOptions{})
	server.Hide("k")
	if _, err := s.Stat(t.Context(), "k"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat: %v", err)
	}
	var markers []bool
	for v, err := range s.Versions(t.Context(), "k") {
		if err != nil {
			t.Fatal(err)
		}
		markers = append(markers, v.DeleteMarker)
	}
	if !slices.Equal(markers, []bool{true, false}) {
		t.Errorf("delete markers, newest first: %v", markers)
	}
}

// A certificate nobody vouches for is refused, and no repetition mends
// it; its own CA file is what mends it.
func TestS3Certificate(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{TLS: true})
	conf := server.Config()
	s, err := objects.OpenS3(conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "k", nil, objects.PutOptions{}); err == nil || objects.Retryable(err) {
		t.Errorf("untrusted certificate: %v", err)
	}
	conf.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(conf.CAFile, server.CertificatePEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = objects.OpenS3(conf); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "k", "x", objects.PutOptions{})
}

// Missing credentials are an error of their own: minio-go would go on without
// a signature.
func TestS3NoCredentials(t *testing.T) {
	server := objectstest.NewS3(t, objectstest.S3Options{})
	conf := server.Config()
	conf.Credentials = objects.Credentials{Source: objects.CredentialsEnvironment}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	s, err := objects.OpenS3(conf)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Put(t.Context(), "k", nil, objects.PutOptions{})
	if !errors.Is(err, fs.ErrPermission) || objects.Retryable(err) || len(server.Requests()) != 0 {
		t.Errorf("put without credentials: %v after %d requests", err, len(server.Requests()))
	}
}

// Neither errors nor %v nor JSON show a secret.
func TestS3SecretsStayHidden(t *testing.T) {
	const canary = "canary-7f3a9c"
	c := objects.Credentials{Source: objects.CredentialsStatic, AccessKey: "AK", SecretKey: canary, SessionToken: canary}
	conf := objects.S3Config{Bucket: "b", Region: "r", Credentials: c}
	js, err := json.Marshal(conf)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("open", "credentials", c, "config", conf)
	_, bad := objects.Open(t.Context(), "s3://user:"+canary+"@b/p?region=r", objects.Options{})
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", conf, conf, conf, c), string(js), log.String(), fmt.Sprint(bad)} {
		if strings.Contains(text, canary) {
			t.Errorf("a secret shows in %s", text)
		}
	}
}
