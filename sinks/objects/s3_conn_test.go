package objects

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// countingConn counts the writes to a connection.
type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// A body of 16 MiB goes to the connection in one write, behind one for the
// headers and what fits into their buffer. This is what makes a PUT cheap:
// net/http alone makes 512.
func TestS3BodyIsNotCopied(t *testing.T) {
	var writes atomic.Int64
	s := openThrough(t, func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) },
		func(c net.Conn) net.Conn { return countingConn{c, &writes} })
	if err := s.Put(t.Context(), "k", make([]byte, 16<<20), PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := writes.Load(); n > 2 {
		t.Errorf("%d writes, want at most 2", n)
	}
}

// openThrough opens a store that a handler plays, through connections that the
// test has wrapped.
func openThrough(t *testing.T, h http.HandlerFunc, wrap func(net.Conn) net.Conn) *S3 {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s, err := OpenS3(S3Config{Bucket: "bucket", Endpoint: server.URL, Credentials: Credentials{Source: CredentialsStatic, AccessKey: "k", SecretKey: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.transport.DialContext = dialWhole(func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return wrap(c), err
	})
	return s
}

// slowWriter asks, in the middle of a write, whether the body can be retired.
type slowWriter func()

func (w slowWriter) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

// A store may refuse before it has read the body, and net/http may still be
// writing when Put has its answer. Put must wait for the write: the memory is
// given to the next segment. What is retired is not read again.
func TestS3BodyIsTheCallersAgain(t *testing.T) {
	b := &body{rest: make([]byte, 8)}
	n, err := b.sendTo(slowWriter(func() {
		if b.mu.TryLock() {
			t.Error("the body can be retired in the middle of a write")
		}
	}), 4)
	if n != 4 || err != nil {
		t.Errorf("%d bytes sent, %v; want 4", n, err)
	}
	b.retire()
	if n, err := b.Read(make([]byte, 8)); n != 0 || err != io.EOF {
		t.Errorf("a retired body reads %d bytes, %v", n, err)
	}
}
