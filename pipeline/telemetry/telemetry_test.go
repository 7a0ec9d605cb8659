package telemetry

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// gauge returns the value of a metric with so many labels, and whether it is
// there.
func gauge(t *testing.T, r *prometheus.Registry, name string) (float64, bool) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name && len(f.Metric) == 1 {
			return value(f.Metric[0]), true
		}
	}
	return 0, false
}

func value(m *dto.Metric) float64 {
	if m.Gauge != nil {
		return m.Gauge.GetValue()
	}
	return m.Counter.GetValue()
}

func TestTailAgeGrowsWhileNothingIsStored(t *testing.T) {
	r := prometheus.NewRegistry()
	m := New(r)
	now := time.Unix(1000, 0)
	m.now = func() time.Time { return now }
	h, k := m.Hooks(), archive.Key{Topic: "orders"}
	h.Owned(k, true)
	h.Fetched(k, 1, 10, 100, 0)
	now = now.Add(time.Minute)
	if age, _ := gauge(t, r, "tidemark_tail_age_seconds"); age != 60 {
		t.Errorf("age %v, want 60", age)
	}
	h.Tail(k, 10)
	if age, _ := gauge(t, r, "tidemark_tail_age_seconds"); age != 0 {
		t.Errorf("age %v after the tail moved, want 0", age)
	}
}

func TestStalledUntilItGoesOn(t *testing.T) {
	m := New(prometheus.NewRegistry())
	h, k := m.Hooks(), archive.Key{Topic: "orders", Partition: 3}
	h.Owned(k, true)
	h.Stalled(k, errors.New("no room"))
	if err := m.Stalled()[k]; err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("stalled: %v", err)
	}
	h.Stalled(k, nil)
	if len(m.Stalled()) != 0 {
		t.Error("still stalled")
	}
}

// What is given up leaves no series behind: a frozen one would be an alarm, or
// a comfort, for ever.
func TestNothingIsLeftOfAPartitionGivenUp(t *testing.T) {
	r := prometheus.NewRegistry()
	m := New(r)
	h, k := m.Hooks(), archive.Key{Topic: "orders"}
	h.Owned(k, true)
	h.Fetched(k, 1, 10, 100, 7)
	h.Tail(k, 10)
	h.Behind(k, "b", true)
	h.Stalled(k, errors.New("no room"))
	h.Owned(k, false)
	for _, name := range []string{"tidemark_lag_offsets", "tidemark_tail_offset", "tidemark_partition_stalled", "tidemark_region_behind", "tidemark_tail_age_seconds"} {
		if v, ok := gauge(t, r, name); ok {
			t.Errorf("%s is still there, at %v", name, v)
		}
	}
	if n, _ := gauge(t, r, "tidemark_partitions_owned"); n != 0 || len(m.Stalled()) != 0 {
		t.Errorf("%v partitions owned, stalled %v", n, m.Stalled())
	}
}
