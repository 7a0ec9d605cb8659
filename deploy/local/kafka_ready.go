package local

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

const (
	// answerTimeout bounds one question to a server that may be half started.
	answerTimeout = 2 * time.Second
	// maxAnswer bounds what a stranger on the port can make us read.
	maxAnswer = 1 << 20
)

// brokerReady asks the broker at addr for metadata and returns nil when it is
// of this cluster and lists all the broker ids as alive. It speaks the Kafka
// protocol by hand, as a client library would make this package's users depend
// on it.
func brokerReady(ctx context.Context, addr, cluster string, ids ...int32) error {
	answer, err := askMetadata(ctx, addr)
	if err != nil {
		return fmt.Errorf("ask %s for metadata: %w", addr, err)
	}
	known, name, err := parseMetadata(answer)
	if err != nil {
		return fmt.Errorf("read metadata of %s: %w", addr, err)
	}
	if name != cluster {
		return fmt.Errorf("%s is of cluster %q, not %q", addr, name, cluster)
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return fmt.Errorf("%s does not know broker %d yet", addr, id)
		}
	}
	return nil
}

// metadataRequest is MetadataRequest version 2 for no topics, with its header:
//
//	int32  length of what follows
//	int16  API key 3, int16 API version 2
//	int32  correlation id 0
//	int16  client id: -1, null
//	int32  topics: 0
var metadataRequest = []byte{0, 0, 0, 14, 0, 3, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}

func askMetadata(ctx context.Context, addr string) ([]byte, error) {
	dialer := net.Dialer{Timeout: answerTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(metadataRequest); err != nil {
		return nil, err
	}
	var length uint32
	if err := binary.Read(conn, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	if length > maxAnswer {
		return nil, fmt.Errorf("answer of %d bytes", length)
	}
	answer := make([]byte, length)
	_, err = io.ReadFull(conn, answer)
	return answer, err
}

// parseMetadata reads the start of a MetadataResponse version 2:
//
//	int32  correlation id
//	int32  brokers, each: int32 id, string host, int32 port, nullable string rack
//	nullable string cluster id
//
// A string is an int16 length, -1 for null, and its bytes.
func parseMetadata(answer []byte) (brokers []int32, cluster string, err error) {
	c := cursor{rest: answer}
	c.int32()
	for range c.int32() {
		brokers = append(brokers, c.int32())
		c.string()
		c.int32()
		c.string()
		if c.short {
			break
		}
	}
	cluster = c.string()
	if c.short {
		return nil, "", errors.New("answer ends too early")
	}
	return brokers, cluster, nil
}

// cursor reads numbers and strings until the bytes run out, which it remembers.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.rest) {
		c.short, c.rest = true, nil
		return make([]byte, min(n, 4))
	}
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) int32() int32 { return int32(binary.BigEndian.Uint32(c.take(4))) }

func (c *cursor) string() string {
	length := int16(binary.BigEndian.Uint16(c.take(2)))
	return string(c.take(max(0, int(length))))
}
