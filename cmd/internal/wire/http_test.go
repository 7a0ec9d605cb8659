package wire

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// serving runs t and returns the addresses it got and how to end it.
func serving(t *testing.T, s *Telemetry, n int) (addresses []string, stop func() error) {
	t.Helper()
	got, done := make(chan string, n), make(chan error, 1)
	s.Registry, s.Log = NewRegistry(), cmp.Or(s.Log, slog.New(slog.DiscardHandler))
	s.listen = func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err == nil {
			got <- l.Addr().String()
		}
		return l, err
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- s.Run(ctx) }()
	for range n {
		select {
		case a := <-got:
			addresses = append(addresses, a)
		case err := <-done:
			t.Fatalf("ended at once: %v", err)
		}
	}
	return addresses, func() error { cancel(); return <-done }
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestTelemetry(t *testing.T) {
	var trouble error
	s := &Telemetry{Config: config.Telemetry{Listen: "127.0.0.1:0"}, Ready: []Probe{{"kafka", func() error { return trouble }}}}
	addresses, stop := serving(t, s, 1)
	base := "http://" + addresses[0]
	if code, body := get(t, base+"/metrics"); code != 200 || !strings.Contains(body, "process_resident_memory_bytes") {
		t.Errorf("/metrics: %d %s", code, body)
	}
	if code, body := get(t, base+"/readyz"); code != 200 || body != "{\"ok\":true}\n" {
		t.Errorf("/readyz: %d %s", code, body)
	}
	trouble = errors.New("no broker answers")
	code, body := get(t, base+"/readyz")
	var v verdict
	if err := json.Unmarshal([]byte(body), &v); err != nil || code != 503 || v.OK || v.Reasons["kafka"] != "no broker answers" {
		t.Errorf("/readyz: %d %s %v", code, body, err)
	}
	if code, _ := get(t, base+"/livez"); code != 200 {
		t.Errorf("/livez: %d", code)
	}
	if code, _ := get(t, base+"/debug/pprof/"); code != 404 {
		t.Errorf("profiles on the public address: %d", code)
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := net.DialTimeout("tcp", addresses[0], time.Second); err == nil {
		t.Error("still listening after Run returned")
	}
}

func TestPprofOnLoopback(t *testing.T) {
	s := &Telemetry{Config: config.Telemetry{PprofListen: "127.0.0.1:0"}}
	addresses, stop := serving(t, s, 1)
	if code, _ := get(t, "http://"+addresses[0]+"/debug/pprof/cmdline"); code != 200 {
		t.Errorf("pprof: %d", code)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPprofElsewhereIsRefused(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "localhost:0", "192.0.2.1:0"} {
		s := &Telemetry{Config: config.Telemetry{PprofListen: address}, listen: func(string, string) (net.Listener, error) {
			return nil, errors.New("listened")
		}, Log: slog.New(slog.DiscardHandler)}
		var mistake *config.Error
		if err := s.Run(t.Context()); !errors.As(err, &mistake) {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

// A second member on the same machine with the same configuration runs: it
// says which address it lacks, and keeps serving the other.
func TestAddressInUse(t *testing.T) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	said := newSaid()
	second := &Telemetry{Config: config.Telemetry{Listen: first.Addr().String(), PprofListen: "127.0.0.1:0"}, Log: said.logger()}
	addresses, stop := serving(t, second, 1)
	said.wait(t, "address is in use", first.Addr().String(), "level=ERROR")
	if code, _ := get(t, "http://"+addresses[0]+"/debug/pprof/cmdline"); code != 200 {
		t.Errorf("pprof beside an address in use: %d", code)
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// Only an address in use is gone on without: one that is not this machine's is
// a mistake that somebody must hear of.
func TestAddressNotOurs(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s := &Telemetry{Config: config.Telemetry{Listen: "192.0.2.1:0"}, Registry: NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	if err := s.Run(ctx); err == nil || !strings.Contains(err.Error(), "serve telemetry") {
		t.Errorf("got %v", err)
	}
}

// said is a log that can be waited for, line by line.
type said chan string

func newSaid() said { return make(said, 100) }

func (s said) Write(line []byte) (int, error) {
	s <- string(line)
	return len(line), nil
}

func (s said) logger() *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) }

// wait returns at the first line that has all of the parts.
func (s said) wait(t *testing.T, parts ...string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		select {
		case line := <-s:
			if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
				return
			}
		case <-limit:
			t.Fatalf("nobody logged %q", parts)
		}
	}
}
