package wire

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/archive"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/telemetry"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

const metricsPage = "../../../pipeline/telemetry/METRICS.md"

// Alarms and dashboards are made from the page, so it is held to what is there:
// names, labels in their order, types.
func TestMetricsAreThoseOfThePage(t *testing.T) {
	page, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(tidemark_[^`]+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(page), -1) {
		told = append(told, m[1]+" "+m[2])
	}
	there := everyMetric(t)
	for _, m := range told {
		if !slices.Contains(there, m) {
			t.Errorf("%s is on the page only", m)
		}
	}
	for _, m := range there {
		if !slices.Contains(told, m) {
			t.Errorf("%s is not on the page", m)
		}
	}
}

// everyMetric has each metric set once, and returns them as the page has them.
func everyMetric(t *testing.T) (all []string) {
	t.Helper()
	r := prometheus.NewRegistry()
	stores, err := objects.NewPrometheus(r)
	if err != nil {
		t.Fatal(err)
	}
	stores.Call(objects.Call{Store: "a", Op: "put", Class: "ok"})
	stores.Retry("a", "put", errors.New("no"), 0)
	stores.Breaker("a", objects.BreakerClosed)
	stores.Cache("a", true, 0)
	h, k, name := telemetry.New(r).Hooks(), archive.Key{Topic: "orders"}, names.Range{}
	h.Owned(k, true)
	h.Fetched(k, 1, 1, 1, 1)
	h.Sealed(name, archive.BySize, 1, 1, 1, 0)
	h.Stored(name, "a", 1, 0)
	h.Tail(k, 1)
	h.Behind(k, "a", true)
	h.Stalled(k, nil)
	h.Gap(name, "")
	h.Unread(k, 1)
	telemetry.NewMarks(r)
	reader, err := cover.New(nil, []cover.Region{{Name: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	r.MustRegister(regionUse{reader})
	telemetry.NewDrill(r)
	c := telemetry.NewCaptures(r)
	c.Leads("schemas", true)
	c.Looked("schemas", true, nil)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		all = append(all, fmt.Sprintf("%s%s %s", f.GetName(), labelsOf(f.Metric[0]), strings.ToLower(f.GetType().String())))
	}
	return all
}

// order is that of labels on the page; the registry sorts them by name.
var order = []string{"store", "op", "class", "result", "topic", "partition", "region", "reason", "outcome", "what"}

func labelsOf(m *dto.Metric) string {
	var list []string
	for _, l := range m.Label {
		list = append(list, l.GetName())
	}
	slices.SortFunc(list, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	if len(list) == 0 {
		return ""
	}
	return "{" + strings.Join(list, ",") + "}"
}
