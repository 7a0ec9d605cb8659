package restore

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// dated is a source that knows when lives and set-ups began.
type dated struct {
	shelves
	lives  []Life
	setups []Setup
}

func (d dated) Lives(context.Context, string) ([]Life, error) { return d.lives, nil }

func (d dated) Setups(context.Context, string, names.TopicID) ([]Setup, error) { return d.setups, nil }

func TestRow23TheLifeOfTheMoment(t *testing.T) {
	older, newer := names.TopicID{1}, names.TopicID{2}
	d := dated{shelves: shelves{}, lives: []Life{
		{ID: older, First: at(1000), Last: at(5000), MaxTimestamp: 5500},
		{ID: newer, First: at(8000), Last: at(9000), MaxTimestamp: segment.NoTimestamp},
	}}
	for _, id := range []names.TopicID{older, newer} {
		p := names.Partition{Topic: "orders", Lineage: names.Lineage{Topic: id, Branch: names.RootBranch}}
		d.shelves[p] = &shelf{batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 1), rec(1, 2))}}
	}
	for to, want := range map[int64]names.TopicID{500: older, 1000: older, 5000: older, 5500: older, 8000: newer, 99_000: newer} {
		p := plan(t, d, nil, request(to))
		if err := p.Refused(); err != nil || p.Topics[0].ID != want || len(p.Topics[0].Lives) != 1 {
			t.Errorf("at %d: life %v, others %v, %v; want %v", to, p.Topics[0].ID, p.Topics[0].Lives, err, want)
		}
	}
	for _, to := range []int64{5501, 7999} {
		p := plan(t, d, nil, request(to))
		if !slices.Equal(causes(p), []Cause{CauseBetweenLives}) || !strings.Contains(p.Refusals[0].Text, older.String()) {
			t.Errorf("at %d: %v, want a refusal that names both lives", to, p.Refusals)
		}
		r := request(to)
		r.Lineage = map[string]string{"orders": older.String()}
		if p := plan(t, d, nil, r); p.Refused() != nil || p.Topics[0].ID != older {
			t.Errorf("at %d, chosen: %v", to, p.Refusals)
		}
	}
	r := request(9000)
	r.Lineage = map[string]string{"orders": "nobody"}
	if got := causes(plan(t, d, nil, r)); !slices.Equal(got, []Cause{CauseNotArchived}) {
		t.Errorf("a life that is not there: %v", got)
	}
	// A record of the newer one that is older than its first sign shows that it was there.
	p := names.Partition{Topic: "orders", Lineage: names.Lineage{Topic: newer, Branch: names.RootBranch}}
	d.shelves[p] = &shelf{batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 1), rec(1, 6000))}}
	for to, want := range map[int64]names.TopicID{5500: older, 6000: newer, 7999: newer} {
		if p := plan(t, d, nil, request(to)); p.Refused() != nil || p.Topics[0].ID != want {
			t.Errorf("at %d, with a record of 6000: %v", to, p.Refusals)
		}
	}
	if got := causes(plan(t, d, nil, request(5999))); !slices.Equal(got, []Cause{CauseBetweenLives}) {
		t.Errorf("before the first record: %v", got)
	}
	// A record of the older life that claims a time of the newer one is no sign.
	d.lives[0].MaxTimestamp = 8500
	if got := causes(plan(t, d, nil, request(5001))); !slices.Equal(got, []Cause{CauseBetweenLives}) {
		t.Errorf("behind the last sign: %v", got)
	}
}

func TestPartitionsAndSettingsOfTheMoment(t *testing.T) {
	d := dated{shelves: shelves{
		orders(0): {batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 100), rec(1, 9000))}},
		orders(2): {batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 5500))}},
		orders(3): {batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 6000))}},
	}, setups: []Setup{
		{At: at(1000), Partitions: 2, Settings: map[string]string{"retention.ms": "1"}},
		{At: at(7000), Partitions: 5, Settings: map[string]string{"retention.ms": "-1"}},
	}}
	d.lives = []Life{{ID: firstLife.Topic}}
	for to, want := range map[int64]struct {
		count     int32
		planned   int
		retention string
	}{500: {2, 1, "1"}, 5499: {2, 1, "1"}, 5500: {3, 2, "1"}, 6999: {4, 3, "1"}, 7000: {5, 3, "-1"}} {
		p := plan(t, d, nil, request(to))
		topic := p.Topics[0]
		if topic.PartitionCount != want.count || len(topic.Partitions) != want.planned || topic.Settings[0].Value != want.retention {
			t.Errorf("at %d: %d partitions, %d planned, settings %v, want %+v", to, topic.PartitionCount, len(topic.Partitions), topic.Settings, want)
		}
	}
	if got := plan(t, d, nil, request(6999)).Topics[0].Settings[0].Effect; !strings.Contains(got, "at least 4 of at most 4 records") {
		t.Errorf("%q does not count what is older than the retention", got)
	}
}

func TestLivesOfARealArchive(t *testing.T) {
	v := newVault(t)
	first := names.Partition{Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{200}, Branch: names.RootBranch}}
	v.segment(first, names.RootBranch, at(1000), 0, 1, batch(t, recordbatch.Options{}, rec(0, 1500)))
	v.segment(first, names.RootBranch, at(2000), 1, 2, batch(t, recordbatch.Options{}, rec(1, 2500)))
	v.segment(orders(0), names.RootBranch, at(9000), 0, 1, batch(t, recordbatch.Options{}, rec(0, 2)))
	src := FromArchive(v.cover, nil)
	lives, err := src.Lives(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	want := []Life{
		{ID: names.TopicID{200}, First: at(1000), Last: at(2000), MaxTimestamp: 2500},
		{ID: firstLife.Topic, First: at(9000), Last: at(9000), MaxTimestamp: 2},
	}
	if !slices.EqualFunc(lives, want, func(a, b Life) bool {
		return a.ID == b.ID && a.First.Equal(b.First) && a.Last.Equal(b.Last) && a.MaxTimestamp == b.MaxTimestamp
	}) {
		t.Errorf("lives %+v, want %+v", lives, want)
	}
}

func TestWhatEachRegionHolds(t *testing.T) {
	v := newVault(t)
	one := v.segment(orders(0), names.RootBranch, at(1), 0, 1, batch(t, recordbatch.Options{}, rec(0, 1)))
	two := v.segment(orders(0), names.RootBranch, at(1), 1, 2, batch(t, recordbatch.Options{}, rec(1, 1)))
	v.segment(orders(0), names.RootBranch, at(1), 2, 3, batch(t, recordbatch.Options{}, rec(2, 1)))
	size := int64(len(v.a[one]))
	delete(v.a, one)
	delete(v.b, two)
	p := plan(t, FromArchive(v.cover, nil), nil, request(5))
	got := p.Topics[0].Partitions[0].Regions
	want := []RegionPart{
		{Region: "a", First: 2, Segments: 2, Bytes: got[0].Bytes, Missing: 1, MissingBytes: size},
		{Region: "b", First: 1, Segments: 2, Bytes: got[1].Bytes, Missing: 1, MissingBytes: int64(len(v.a[two]))},
	}
	if !slices.Equal(got, want) || got[0].Bytes == 0 || p.Refused() != nil {
		t.Errorf("regions %+v, want %+v", got, want)
	}
	bytes := p.Topics[0].Partitions[0].MaxBytes
	if took := p.Estimate(Pace{BytesPerSecond: float64(bytes) / 10, RecordsPerSecond: 1}); took != 10*time.Second {
		t.Errorf("an estimate of %v, want 10s for the bytes", took)
	}
	if took := p.Estimate(Pace{RecordsPerSecond: 0.1}); took != 30*time.Second {
		t.Errorf("an estimate of %v, want 30s for the records", took)
	}
}

// A plan may have been kept for days: what its target is like now is compared
// before the first write.
func TestTargetSettingsChangedSinceThePlan(t *testing.T) {
	c, client := cluster(t)
	if err := c.CreateTopic("restored", 1, map[string]string{"retention.ms": "1000"}); err != nil {
		t.Fatal(err)
	}
	archive := shelves{orders(0): everyKind(t)}
	r := request(1000)
	r.AllowDifferences = true
	p := plan(t, archive, client, r)
	if err := p.Refused(); err != nil {
		t.Fatal(err)
	}
	setTopic(t, client, "max.message.bytes", "1000000")
	if _, err := Execute(t.Context(), p, archive, client, options(t)); err == nil || !strings.Contains(err.Error(), "plan again") {
		t.Errorf("a topic whose settings changed since the plan: %v", err)
	}
	if got := c.PartitionInfo("restored", 0).HighWatermark; got != 0 {
		t.Errorf("%d records were written", got)
	}
}
