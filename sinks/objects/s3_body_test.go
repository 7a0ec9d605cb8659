package objects_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/tidemark-io/tidemark/sinks/objects"
)

// openHandler opens a store that a handler plays.
func openHandler(t testing.TB, h http.HandlerFunc) *objects.S3 {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s, err := objects.OpenS3(objects.S3Config{Bucket: "bucket", Endpoint: server.URL,
		Credentials: objects.Credentials{Source: objects.CredentialsStatic, AccessKey: "k", SecretKey: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Whatever the length, the body arrives whole: within the headers' buffer,
// around its end, and far beyond what a socket takes at once. The connection is
// used again and again.
func TestS3BodyArrivesWhole(t *testing.T) {
	var got []byte
	var ports atomic.Int64
	last := ""
	s := openHandler(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		if r.RemoteAddr != last {
			last = r.RemoteAddr
			ports.Add(1)
		}
		if r.ContentLength != int64(len(got)) || r.TransferEncoding != nil {
			t.Errorf("length %d, encoding %q, body of %d bytes", r.ContentLength, r.TransferEncoding, len(got))
		}
	})
	for _, n := range []int{0, 1, 4 << 10, 16<<10 - 1, 16 << 10, 16<<10 + 1, 1 << 20, 17<<20 + 3} {
		body := bytes.Repeat([]byte("0123456789abcdefg"), n/17+1)[:n]
		if err := s.Put(t.Context(), "k", body, objects.PutOptions{}); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes: %d arrived, %v", n, len(got), err)
		}
	}
	if ports.Load() != 1 {
		t.Errorf("%d connections, want one", ports.Load())
	}
}

// A caller that gives up in the middle of a body has its memory back, too.
func TestS3BodyOfACancelledPut(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	hold := make(chan struct{})
	s := openHandler(t, func(w http.ResponseWriter, r *http.Request) {
		io.ReadFull(r.Body, make([]byte, 1<<20))
		cancel()
		<-hold
	})
	body := make([]byte, 64<<20)
	if err := s.Put(ctx, "k", body, objects.PutOptions{}); err == nil {
		t.Error("a cancelled put said nothing")
	}
	clear(body)
	close(hold)
}
