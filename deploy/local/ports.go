package local

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const (
	loopback = "127.0.0.1"

	// Free ports are taken from below the range that Linux (32768) and macOS
	// (49152) give to outgoing connections: a server that is down for a moment must
	// find its port free when it comes back.
	firstPort, pastLastPort = 20000, 32000
	portTries               = 100
)

// address is a loopback host:port.
func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// choosePort returns want if it is free, or any free port for 0.
func choosePort(want int) (int, error) {
	if want != 0 {
		return want, bindable(want)
	}
	var err error
	for range portTries {
		port := firstPort + rand.IntN(pastLastPort-firstPort)
		if err = bindable(port); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find free port: %w", err)
}

func bindable(port int) error {
	listener, err := net.Listen("tcp", address(port))
	if err != nil {
		return err
	}
	return listener.Close()
}
