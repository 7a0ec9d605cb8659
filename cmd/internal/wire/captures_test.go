package wire

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/pipeline/registry/registrytest"
	"github.com/tidemark-io/tidemark/pipeline/telemetry"
)

// TestLooks: one member looks, every so often, soon again after a failure; and
// the age of the last look without one can be watched.
func TestLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := prometheus.NewRegistry()
		begun, leads, fails := time.Now(), false, false
		var at []string
		l := look{what: "schemas", every: 5 * time.Minute, leads: func() bool { return leads }, metrics: telemetry.NewCaptures(r), log: slog.New(slog.DiscardHandler)}
		done := make(chan error)
		go func() {
			done <- l.run(ctx, func(time.Time) (bool, error) {
				at = append(at, time.Since(begun).String())
				if fails {
					return false, errors.New("not now")
				}
				return len(at) == 1, nil
			})
		}()
		series := func() int {
			n, err := testutil.GatherAndCount(r, "tidemark_capture_age_seconds")
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		time.Sleep(59500 * time.Millisecond)
		if len(at) != 0 || series() != 0 {
			t.Errorf("another member leads, and this one looked at %v", at)
		}
		leads = true
		time.Sleep(6 * time.Minute)
		fails = true
		time.Sleep(10 * time.Minute)
		want := "1m0s 6m0s 11m0s 11m5s 11m15s 11m35s 12m15s 13m35s 16m15s"
		if got := strings.Join(at, " "); got != want {
			t.Errorf("looked at %s, want %s", got, want)
		}
		const text = "# HELP tidemark_capture_age_seconds Seconds since what is kept beside the topics was last looked at without an error.\n# TYPE tidemark_capture_age_seconds gauge\ntidemark_capture_age_seconds{what=\"schemas\"} 659.5\n"
		if err := testutil.GatherAndCompare(r, strings.NewReader(text), "tidemark_capture_age_seconds"); err != nil {
			t.Error(err)
		}
		leads = false
		time.Sleep(6 * time.Minute)
		if series() != 0 {
			t.Error("another member leads, and this one still tells of its looks")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestRegistryClient(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := registrytest.New(t)
	r.Authorization = "Bearer first"
	client, err := RegistryClient(&config.SchemaRegistry{URL: r.URL, TokenFile: token})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(t.Context(), nil); err != nil {
		t.Error(err)
	}
	r.Authorization = "Bearer second"
	if err := os.WriteFile(token, []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(t.Context(), nil); err != nil {
		t.Errorf("a token that was renewed: %v", err)
	}
	if none, err := RegistryClient(&config.SchemaRegistry{}); none != nil || err != nil {
		t.Error(none, err)
	}
	wrong := (*config.Error)(nil)
	_, err = RegistryClient(&config.SchemaRegistry{URL: "https://sr", CAFile: token})
	if !errors.As(err, &wrong) || wrong.Key != "schema_registry.ca_file" {
		t.Error(err)
	}
	_, err = RegistryClient(&config.SchemaRegistry{URL: "https://sr", CertFile: token, KeyFile: token})
	if !errors.As(err, &wrong) || wrong.Key != "schema_registry.cert_file" {
		t.Error(err)
	}
}
