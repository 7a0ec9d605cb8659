package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// Limits of the telemetry server. Its clients are a scraper and a kubelet.
const (
	readHeaderTimeout = 5 * time.Second
	// writeTimeout is above the 30 s of a default CPU profile.
	writeTimeout  = 2 * time.Minute
	closeTimeout  = 2 * time.Second
	maxHeaderSize = 16 << 10
)

// NewRegistry returns a registry with the metrics of the process and of Go's
// run time.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Probe answers whether one thing is well: nil, or why not. It must be quick
// and safe to call at any time.
type Probe struct {
	Name  string
	Check func() error
}

// Telemetry serves what a running process shows of itself:
//
//	/metrics   Prometheus
//	/livez     200 while every probe of Live is well; else restart the process
//	/readyz    200 while every probe of Ready is well; else say what is not
//
// and /debug/pprof at an address of its own, on loopback only.
type Telemetry struct {
	Config   config.Telemetry
	Registry *prometheus.Registry
	Live     []Probe
	Ready    []Probe
	Log      *slog.Logger

	// listen is net.Listen, or a test's own.
	listen func(network, address string) (net.Listener, error)
}

// Run serves until ctx ends, and then returns nil once both servers are closed.
// An address that somebody else listens on is logged as an error, and Run goes
// on without it: two members on one machine, started with one configuration,
// must not end each other. An address that cannot be had for another reason, or
// profiles on an address that is not loopback, is an error.
func (t *Telemetry) Run(ctx context.Context) error {
	servers := []struct {
		address string
		handler http.Handler
	}{{t.Config.Listen, t.handler()}, {t.Config.PprofListen, profiles()}}
	if t.Config.PprofListen != "" && !config.IsLoopback(t.Config.PprofListen) {
		return &config.Error{Key: "telemetry.pprof_listen", Err: fmt.Errorf("%q is not a loopback address", t.Config.PprofListen)}
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range servers {
		if s.address != "" {
			group.Go(func() error { return t.serve(ctx, s.address, s.handler) })
		}
	}
	return group.Wait()
}

func (t *Telemetry) serve(ctx context.Context, address string, h http.Handler) error {
	listen := t.listen
	if listen == nil {
		listen = net.Listen
	}
	l, err := listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		t.Log.Error("going on without telemetry: the address is in use; give every member on this machine its own", "address", address, "error", err)
		<-ctx.Done()
		return nil
	}
	if err != nil {
		return fmt.Errorf("serve telemetry: %w", err)
	}
	t.Log.Info("serving telemetry", "address", l.Addr().String())
	s := &http.Server{Handler: h, ReadHeaderTimeout: readHeaderTimeout, WriteTimeout: writeTimeout,
		MaxHeaderBytes: maxHeaderSize, ErrorLog: slog.NewLogLogger(t.Log.Handler(), slog.LevelWarn)}
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		closed <- errors.Join(s.Shutdown(soon), s.Close())
	})
	err = s.Serve(l)
	if stop() {
		return fmt.Errorf("serve telemetry: %w", err)
	}
	<-closed // a request that hangs is cut off; that is no error of the process
	return nil
}

func (t *Telemetry) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.Registry, promhttp.HandlerOpts{}))
	mux.Handle("GET /livez", probes(t.Live))
	mux.Handle("GET /readyz", probes(t.Ready))
	return mux
}

// verdict is the answer of /livez and /readyz.
type verdict struct {
	OK bool `json:"ok"`
	// Reasons says what is not well, by the name of the probe.
	Reasons map[string]string `json:"reasons,omitempty"`
}

func probes(all []Probe) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		v := verdict{OK: true, Reasons: map[string]string{}}
		for _, p := range all {
			if err := p.Check(); err != nil {
				v.OK, v.Reasons[p.Name] = false, err.Error()
			}
		}
		w.Header().Set("Content-Type", "application/json")
		if !v.OK {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(v) // the client is gone; nobody to tell
	}
}

func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
