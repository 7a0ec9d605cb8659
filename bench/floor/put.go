package floor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// Store is a bucket, addressed by path.
type Store struct {
	// Endpoint is an http or https URL without a path.
	Endpoint             string
	Bucket, Region       string
	AccessKey, SecretKey string
}

// lane is one connection to one store.
type lane struct {
	store *Store
	base  *url.URL
	conn  net.Conn
	stop  func() bool
	in    *bufio.Reader
}

// dial connects. The connection ends with ctx.
func (s *Store) dial(ctx context.Context) (*lane, error) {
	base, err := url.Parse(s.Endpoint)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("connect to store: endpoint %q is no URL", s.Endpoint)
	}
	addr := base.Host
	if base.Port() == "" {
		addr = net.JoinHostPort(addr, base.Scheme)
	}
	var c net.Conn
	if base.Scheme == "https" {
		c, err = new(tls.Dialer).DialContext(ctx, "tcp", addr)
	} else {
		c, err = new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to store: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	return &lane{store: s, base: base, conn: c, stop: stop, in: bufio.NewReader(c)}, nil
}

func (l *lane) close() {
	l.stop()
	l.conn.Close()
}

// put sends one object, headers and body in one system call where the socket
// takes them, and waits until the store has it.
func (l *lane) put(key string, body []byte, crc uint32) error {
	head, req := l.head(key, len(body), crc)
	parts := net.Buffers{head, body}
	if _, err := parts.WriteTo(l.conn); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	resp, err := http.ReadResponse(l.in, req)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("put %s: %s: %s", key, resp.Status, text)
	}
	return nil
}

// head is the request up to its body. The checksum is signed with the other
// headers; the store compares it with the body.
func (l *lane) head(key string, size int, crc uint32) ([]byte, *http.Request) {
	u := *l.base
	u.Path = "/" + l.store.Bucket + "/" + key
	req := &http.Request{Method: http.MethodPut, URL: &u, Host: u.Host, Header: http.Header{}}
	req.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	req.Header.Set("X-Amz-Checksum-Crc32c", base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc)))
	req.Header.Set("If-None-Match", "*")
	req = signer.SignV4(*req, l.store.AccessKey, l.store.SecretKey, "", l.store.Region)
	req.Header.Set("Content-Length", strconv.Itoa(size))
	var b bytes.Buffer
	fmt.Fprintf(&b, "PUT %s HTTP/1.1\r\nHost: %s\r\n", u.RequestURI(), u.Host)
	req.Header.Write(&b)
	b.WriteString("\r\n")
	return b.Bytes(), req
}
