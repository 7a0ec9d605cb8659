package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tidemark-io/tidemark/pipeline/marks"
)

// Marks are the metrics of who writes marks. Register them with NewMarks.
type Marks struct {
	looked, written prometheus.Gauge
	groups, unread  prometheus.Gauge
	failures        prometheus.Counter
}

// NewMarks makes the metrics and registers them. They are there from the start,
// so that an alarm on the age of the last mark works before there is one.
func NewMarks(r prometheus.Registerer) *Marks {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tidemark", Name: name, Help: help})
	}
	m := &Marks{
		looked:   gauge("mark_looked_timestamp_seconds", "When tails and consumer groups were read last for a mark; what had not changed was not written."),
		written:  gauge("mark_written_timestamp_seconds", "When a mark was written last."),
		groups:   gauge("mark_groups", "Consumer groups in the last mark."),
		unread:   gauge("mark_groups_unread", "Consumer groups that could not be read for the last mark."),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "tidemark", Name: "mark_failures_total", Help: "Marks that could not be read or kept."}),
	}
	r.MustRegister(m.looked, m.written, m.groups, m.unread, m.failures)
	return m
}

// Hooks returns what to give to the writer of marks.
func (m *Marks) Hooks() marks.Hooks {
	return marks.Hooks{
		Looked: func(at time.Time, groups, unread int, written bool) {
			m.looked.Set(seconds(at))
			if written {
				m.written.Set(seconds(at))
			}
			m.groups.Set(float64(groups))
			m.unread.Set(float64(unread))
		},
		Failed: func(error) { m.failures.Inc() },
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
