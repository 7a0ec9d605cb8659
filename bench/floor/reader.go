package floor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// fetchVersion is the last one before tagged fields and topic ids: every
	// broker since Apache Kafka 2.3 speaks it.
	fetchVersion = 11
	// readCommitted is the isolation level of KIP-98, which archivers need.
	readCommitted = 1
	// largestAnswer bounds what a length may make us allocate.
	largestAnswer = 1 << 30
)

// reader is one connection to one broker, and the one buffer that answers are
// read into.
type reader struct {
	conn   net.Conn
	stop   func() bool
	format *kmsg.RequestFormatter
	ask    []byte
	buf    []byte
	count  int32
	resp   kmsg.FetchResponse
}

// dialBroker connects. The connection ends with ctx.
func dialBroker(ctx context.Context, addr string) (*reader, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to broker: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	return &reader{conn: c, stop: stop, format: kmsg.NewRequestFormatter(kmsg.FormatterClientID("floor"))}, nil
}

func (r *reader) close() {
	r.stop()
	r.conn.Close()
}

// fetch sends one request and waits for its answer, which is good until the
// next fetch.
func (r *reader) fetch(req *kmsg.FetchRequest) (*kmsg.FetchResponse, error) {
	r.count++
	r.ask = r.format.AppendRequest(r.ask[:0], req, r.count)
	if _, err := r.conn.Write(r.ask); err != nil {
		return nil, err
	}
	body, err := r.answer()
	if err != nil {
		return nil, err
	}
	if got := int32(binary.BigEndian.Uint32(body)); got != r.count {
		return nil, fmt.Errorf("answer %d to request %d", got, r.count)
	}
	r.resp = kmsg.FetchResponse{Version: fetchVersion}
	if err := r.resp.UnsafeReadFrom(body[4:]); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return &r.resp, nil
}

// answer reads a correlation id and a body.
func (r *reader) answer() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r.conn, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n < 4 || n > largestAnswer {
		return nil, errors.New("the answer's length is out of range")
	}
	if int(n) > cap(r.buf) {
		r.buf = make([]byte, n+n/4)
	}
	_, err := io.ReadFull(r.conn, r.buf[:n])
	return r.buf[:n], err
}
