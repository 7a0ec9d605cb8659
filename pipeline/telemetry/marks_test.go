package telemetry

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMarks(t *testing.T) {
	r := prometheus.NewRegistry()
	h := NewMarks(r).Hooks()
	if v, ok := gauge(t, r, "tidemark_mark_looked_timestamp_seconds"); !ok || v != 0 {
		t.Errorf("before the first mark %v, %v", v, ok)
	}
	h.Looked(time.UnixMilli(1500), 3, 1, true)
	h.Looked(time.UnixMilli(4500), 4, 0, false)
	h.Failed(errors.New("no"))
	for name, want := range map[string]float64{
		"tidemark_mark_looked_timestamp_seconds": 4.5, "tidemark_mark_written_timestamp_seconds": 1.5,
		"tidemark_mark_groups": 4, "tidemark_mark_groups_unread": 0, "tidemark_mark_failures_total": 1,
	} {
		if v, ok := gauge(t, r, name); !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
}
