package objects

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
)

// body is what a PUT sends, straight from the caller's memory. net/http would
// copy it through a buffer of 32 KiB, with a system call for each; half of what
// a PUT costs.
//
// The way of a body: Put notes it in the context, minio-go makes and signs the
// request, sendBody puts the body into the request, net/http hands it to
// the connection behind the headers, and wholeConn writes it in one call.
type body struct {
	mu   sync.Mutex // held while the memory is read
	rest []byte
}

type bodyKey struct{}

// withBody notes what the one request made with the context is to send.
func withBody(ctx context.Context, b *body) context.Context {
	return context.WithValue(ctx, bodyKey{}, b)
}

// retire takes the memory away. The transport may still be at it when the
// answer is there, if the store refused before it had read everything; when
// retire returns nobody reads it any more, and the caller may use it again.
func (b *body) retire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest = nil
}

// Read implements io.Reader, for connections that want to be asked: those with
// TLS.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close implements io.Closer. It does not wait: whoever closes may be the one
// to break the connection that is being written to.
func (b *body) Close() error { return nil }

// sendTo writes at most n bytes of what is left in one call.
func (b *body) sendTo(w io.Writer, n int64) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sent, err := w.Write(b.rest[:min(n, int64(len(b.rest)))])
	b.rest = b.rest[sent:]
	return int64(sent), err
}

// sendBody gives requests the body that their context notes.
type sendBody struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s sendBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if b, ok := r.Context().Value(bodyKey{}).(*body); ok && r.ContentLength > 0 {
		with := *r
		with.Body = b
		r = &with
	}
	return s.next.RoundTrip(r)
}

// wholeConn is a connection that takes a body as it is.
type wholeConn struct{ net.Conn }

// ReadFrom implements io.ReaderFrom. net/http calls it with the rest of a body
// once the headers are out, limited to the announced length.
func (c wholeConn) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		if b, ok := l.R.(*body); ok {
			n, err := b.sendTo(c.Conn, l.N)
			l.N -= n
			return n, err
		}
	}
	return io.Copy(c.Conn, r)
}

// dialWhole makes the connections of dial whole.
func dialWhole(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return wholeConn{c}, nil
	}
}
