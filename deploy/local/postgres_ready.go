package local

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// postgresProtocol is version 3.0 of the frontend/backend protocol.
const postgresProtocol = 3 << 16

// takesSessions asks for a session as far as the server's first answer: an
// authentication request says that it takes sessions, an error that it is not
// so far. By hand, as in brokerReady.
func takesSessions(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	if _, err := conn.Write(startupMessage()); err != nil {
		return err
	}
	var kind [1]byte
	if _, err := io.ReadFull(conn, kind[:]); err != nil {
		return fmt.Errorf("read the answer of %s: %w", addr, err)
	}
	if kind[0] != 'R' {
		return fmt.Errorf("%s answers with a message of kind %q", addr, kind[0])
	}
	return nil
}

func startupMessage() []byte {
	params := "user\x00" + PostgresUser + "\x00database\x00postgres\x00\x00"
	msg := binary.BigEndian.AppendUint32(nil, uint32(8+len(params))) // the length counts itself and the version
	msg = binary.BigEndian.AppendUint32(msg, postgresProtocol)
	return append(msg, params...)
}
