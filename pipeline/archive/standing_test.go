package archive_test

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// What is ours is told while it is, with its tails and the end of the log; and
// once more as it was when the archiver had stopped.
func TestStanding(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(3, "orders", "payments"))
	w.produce("orders", 1, 100)
	w.produce("payments", 0, 50)
	a := w.archiver(w.config("payments", "orders"))
	if len(a.Owned()) != 0 || a.Leads() {
		t.Error("something is ours before Run")
	}
	stop := w.run(a)
	w.eventually("everything is stored", func() bool {
		s := a.Tails()[archive.Key{Topic: "orders", Partition: 1}]
		return len(a.Owned()) == 6 && s.Tails["a"] == 100 && s.Tails["b"] == 100 && s.Stable == 100 && s.Partitions == 3 && a.Leads()
	})
	want := []archive.Key{{Topic: "orders"}, {Topic: "orders", Partition: 1}, {Topic: "orders", Partition: 2}}
	if got := a.Owned(); !slices.Equal(got[:3], want) {
		t.Errorf("%v", got)
	}
	w.produce("orders", 1, 7)
	w.eventually("the new end is heard of", func() bool { return a.Tails()[archive.Key{Topic: "orders", Partition: 1}].Stable == 107 })
	must(t, stop())
	all := a.Tails()
	last := all[archive.Key{Topic: "orders", Partition: 1}]
	if len(all) != 6 || last.Tails["a"] != 107 || last.Tails["b"] != 107 || last.Lineage.Topic.IsZero() || a.Leads() {
		t.Errorf("%+v, leads %v", all, a.Leads())
	}
}

// Of two members one leads.
func TestOneLeads(t *testing.T) {
	w := newWorld(t, kfake.SeedTopics(4, "orders", "payments"))
	first, second := w.archiver(w.config("orders", "payments")), w.archiver(w.config("orders", "payments"))
	w.run(first)
	stop := w.run(second)
	w.eventually("both have something, and one leads", func() bool {
		return len(first.Owned()) > 0 && len(second.Owned()) > 0 && len(first.Owned())+len(second.Owned()) == 8 && first.Leads() != second.Leads()
	})
	must(t, stop())
	w.eventually("who is left leads", func() bool { return len(first.Owned()) == 8 && first.Leads() })
}
