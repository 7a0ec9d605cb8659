package drill

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// A sound archive passes: every record is compared with the source, every copy
// with its digests, and every time is measured.
func TestSound(t *testing.T) {
	w := newWorld(t, 2, "orders", "payments")
	for _, topic := range []string{"orders", "payments"} {
		w.produce(topic, 2, 8)
		for p := range int32(2) {
			w.archive(topic, p, 0, nil)
		}
	}
	r := w.run(w.options("orders", "payments"))
	if r.Outcome != OutcomePassed || r.Err() != nil {
		t.Errorf("%s: %+v", r.Outcome, r.Findings)
	}
	want := Counts{Segments: 16, Copies: 32, Records: 160, Sealed: 160, Source: 160}
	if r.Totals != want {
		t.Errorf("%+v, want %+v", r.Totals, want)
	}
	if !r.Point.Measured || r.Point.MaxMS != 0 || r.Point.Partitions != 4 {
		t.Errorf("recovery point %+v", r.Point)
	}
	v := r.Recovery
	if v.PlannedMS < 0 || v.FirstMS < v.PlannedMS || v.AllMS < v.FirstMS || v.Records != 160 || len(v.Estimates) != 2 {
		t.Errorf("recovery time %+v", v)
	}
	for _, o := range r.Objectives {
		if !o.Measured || !o.Met {
			t.Errorf("objective %+v", o)
		}
	}
	if len(r.Partitions) != 4 || r.Partitions[0].Offsets == nil || r.Partitions[0].Why != "" {
		t.Errorf("rows %+v", r.Partitions)
	}
}

// rebuilt changes one record of a batch, as somebody would who also signs.
func rebuilt(t *testing.T, batch []byte, change func(*recordbatch.Record) bool) []byte {
	t.Helper()
	h := edge(t, batch)
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{BaseOffset: h.BaseOffset, Codec: h.Codec()})
	for rec, err := range recordbatch.NewDecoder(0).Records(batch) {
		if err != nil {
			t.Fatal(err)
		}
		if !change(&rec) {
			continue
		}
		if err := b.Append(rec); err != nil {
			t.Fatal(err)
		}
	}
	b.EndAt(h.LastOffset())
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(out)
}

// wound is one way to damage an archive of 40 records, and the findings.
type wound struct {
	name   string
	change func(t *testing.T, batch []byte) []byte
	harm   func(w *world, row []*segment.Sealed)
	want   []string
}

func wounds() []wound {
	none := func(*world, []*segment.Sealed) {}
	return []wound{
		{"a flipped block in one region", nil, func(w *world, row []*segment.Sealed) {
			w.B.Put(row[1].Name.String(), covertest.SameCRC(row[1].Data, int(row[1].Footer.Blocks[0].Position)+20))
		}, []string{"damaged b [10, 20)"}},
		{"a flipped block in the nearest region", nil, func(w *world, row []*segment.Sealed) {
			w.A.Flip(row[1].Name.String(), int(row[1].Footer.Blocks[0].Position)+20)
		}, []string{"damaged a [10, 20)"}},
		{"a flipped block in both", nil, func(w *world, row []*segment.Sealed) {
			for _, r := range w.Regions() {
				r.Put(row[1].Name.String(), covertest.SameCRC(row[1].Data, int(row[1].Footer.Blocks[0].Position)+20))
			}
		}, []string{"damaged a [10, 20)", "damaged b [10, 20)", "lost [10, 15)"}},
		{"a segment missing in both", nil, func(w *world, row []*segment.Sealed) {
			for _, r := range w.Regions() {
				r.Remove(row[1].Name.String())
			}
		}, []string{"lost [10, 20)"}},
		{"a segment missing in one", nil, func(w *world, row []*segment.Sealed) { w.B.Remove(row[2].Name.String()) }, []string{"absent b [20, 30)"}},
		{"the key page missing in one", nil, func(w *world, row []*segment.Sealed) { w.B.RemovePage(covertest.Page) },
			[]string{"key-page-missing b [0, 10)", "key-page-missing b [10, 20)", "key-page-missing b [20, 30)", "key-page-missing b [30, 40)"}},
		{"a value that differs", func(t *testing.T, b []byte) []byte {
			return rebuilt(t, b, func(r *recordbatch.Record) bool {
				if r.Offset == 21 || r.Offset == 22 {
					r.Value = []byte("forged")
				}
				return true
			})
		}, none, []string{"differs [21, 23)"}},
		{"null for empty", func(t *testing.T, b []byte) []byte {
			return rebuilt(t, b, func(r *recordbatch.Record) bool {
				if r.Offset == 8 {
					r.Value = nil
				}
				return true
			})
		}, none, []string{"differs [8, 9)"}},
		{"another timestamp", func(t *testing.T, b []byte) []byte {
			return rebuilt(t, b, func(r *recordbatch.Record) bool {
				if r.Offset == 4 {
					r.Timestamp++
				}
				return true
			})
		}, none, []string{"differs [4, 5)"}},
		{"another header", func(t *testing.T, b []byte) []byte {
			return rebuilt(t, b, func(r *recordbatch.Record) bool {
				if r.Offset == 3 {
					r.Headers = r.Headers[:2]
				}
				return true
			})
		}, none, []string{"differs [3, 4)"}},
		{"records left out", func(t *testing.T, b []byte) []byte {
			return rebuilt(t, b, func(r *recordbatch.Record) bool { return r.Offset < 31 || r.Offset > 33 })
		}, none, []string{"missing [31, 34)"}},
		{"the last records left out", func(t *testing.T, b []byte) []byte {
			return rebuilt(t, b, func(r *recordbatch.Record) bool { return r.Offset < 37 })
		}, none, []string{"missing [37, 40)"}},
	}
}

// Each wound is found, whatever else is sound, and nothing more is: and the
// drill has failed.
func TestWounds(t *testing.T) {
	for _, c := range wounds() {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1, "orders")
			w.produce("orders", 1, 8)
			var change func([]byte) []byte
			if c.change != nil {
				change = func(b []byte) []byte { return c.change(t, b) }
			}
			c.harm(w, w.archive("orders", 0, 0, change))
			r := w.run(w.options("orders"))
			if got := kinds(r); !slices.Equal(got, c.want) {
				t.Errorf("findings %q, want %q", got, c.want)
			}
			if r.Outcome != OutcomeFailed || r.Err() == nil || r.Totals.Findings == 0 {
				t.Errorf("outcome %s", r.Outcome)
			}
			for _, f := range r.Findings {
				if f.Advice == "" || f.Detail == "" {
					t.Errorf("%+v lacks detail or advice", f)
				}
			}
		})
	}
}

// A record of the archive that Kafka never had is a finding; one that retention
// or compaction took from Kafka since is none, and is told.
func TestGoneFromTheSource(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 8)
	w.archive("orders", 0, 0, nil)
	w.deleteBefore("orders", 12)
	r := w.run(w.options("orders"))
	if r.Outcome != OutcomePassed || r.Totals.Expired != 12 || r.Totals.Source != 28 || r.Totals.Records != 40 {
		t.Errorf("%s: %+v, %v", r.Outcome, r.Totals, r.Findings)
	}
}

func TestAnotherLifeIsNotCompared(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 2)
	w.ids["orders"] = covertest.Partition.Lineage.Topic
	w.archive("orders", 0, 0, nil)
	r := w.run(w.options("orders"))
	if r.Outcome != OutcomeMissed && r.Outcome != OutcomePassed || r.Totals.Source != 0 || r.Totals.Sealed != 10 || !strings.Contains(r.Partitions[0].Why, "another life") {
		t.Errorf("%s: %+v, %v", r.Outcome, r.Totals, r.Partitions)
	}
	if !r.Point.Measured || r.Point.MaxOffsets != 10 {
		t.Errorf("nothing of this life is archived: %+v", r.Point)
	}
}

// What is not archived yet makes the recovery point, and an objective that is
// missed makes the outcome.
func TestRecoveryPoint(t *testing.T) {
	w := newWorld(t, 2, "orders")
	w.produce("orders", 2, 4)
	w.archive("orders", 0, 0, nil)
	o := w.options("orders")
	r := w.run(o)
	if r.Outcome != OutcomeMissed || r.Err() == nil {
		t.Errorf("outcome %s", r.Outcome)
	}
	age := time.Since(time.UnixMilli(1_700_000_000_000)).Milliseconds()
	if p := r.Point; !p.Measured || p.MaxOffsets != 20 || p.P50MS != 0 || p.MaxMS < age-60_000 || p.MaxMS > age || p.Worst != "orders/1" {
		t.Errorf("recovery point %+v, want about %d", r.Point, age)
	}
	o.Objectives.RecoveryPoint = 0
	if r := w.run(o); r.Outcome != OutcomePassed {
		t.Errorf("without an objective: %s", r.Outcome)
	}
}

// Without a source there are the digests, and a source that is gone is no
// finding.
func TestWithoutSource(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 4)
	w.archive("orders", 0, 0, nil)
	o := w.options("orders")
	o.Source = nil
	if r := w.run(o); r.Outcome != OutcomePassed || r.Totals.Source != 0 || r.Totals.Sealed != 20 || r.Point.Measured || r.Source.Asked {
		t.Errorf("%s: %+v", r.Outcome, r.Totals)
	}
}

// The sample is of the size that was asked for, the same for the same seed, and
// at least one segment of each topic; the rest is not read.
func TestSample(t *testing.T) {
	w := newWorld(t, 1, "orders", "payments")
	for _, topic := range []string{"orders", "payments"} {
		w.produce(topic, 1, 20)
		w.archive(topic, 0, 0, nil)
	}
	o := w.options("orders", "payments")
	o.Share = 0.25
	first := w.run(o)
	if s := first.Sample; s.Segments != 6 || s.Of != 20 || first.Totals.Records != 60 || first.Totals.Source != 60 || first.Outcome != OutcomePassed {
		t.Errorf("%+v: %+v, %v", s, first.Totals, first.Findings)
	}
	if again := w.run(o); again.Sample != first.Sample {
		t.Errorf("the same seed chose %+v, and then %+v", first.Sample, again.Sample)
	}
	o.Seed++
	if other := w.run(o); other.Sample.Digest == first.Sample.Digest {
		t.Error("another seed chose the same")
	}
	o.Share = 1e-9
	if least := w.run(o); least.Sample.Segments != 2 {
		t.Errorf("at least one segment a topic: %+v", least.Sample)
	}
}

// The rule of the sample, as an auditor would apply it.
func TestSampleByHand(t *testing.T) {
	var all []string
	for i := range 10 {
		all = append(all, fmt.Sprint("name-", i))
	}
	// for i in $(seq 0 9); do printf "7\nname-$i" | sha256sum | sed s/-/name-$i/; done | sort
	if got := lowest(7, 0.2, all); !slices.Equal(got, []string{"name-0", "name-3"}) {
		t.Errorf("%v", got)
	}
}

// Where the cleaner may have been, what only the archive has is told and is no
// finding. Elsewhere it is one, and so is a record without a key, which the
// cleaner never takes.
func TestAddedAndCompacted(t *testing.T) {
	for _, c := range []struct {
		policy string
		want   []string
		gone   int64
	}{
		{"delete", []string{"added [15, 20)"}, 0},
		{"compact", []string{"added [15, 16)"}, 4},
	} {
		t.Run(c.policy, func(t *testing.T) {
			w := newWorld(t, 1, "orders")
			w.produce("orders", 1, 3)
			extra := covertest.BatchOf(t, 15, 20, []int64{15, 16, 17, 18, 19})
			extra = rebuilt(t, extra, func(r *recordbatch.Record) bool {
				if r.Offset == 15 {
					r.Key = nil
				}
				return true
			})
			w.archive("orders", 0, 0, nil)
			w.Store(covertest.Spec{Base: 15, Next: 20, Partition: w.partition("orders", 0), Batches: [][]byte{extra}})
			// In Kafka these offsets are an aborted transaction: nobody reads them.
			w.abort("orders", 4)
			w.set("orders", "cleanup.policy", c.policy)
			r := w.run(w.options("orders"))
			if got := kinds(r); !slices.Equal(got, c.want) || r.Totals.Compacted != c.gone || r.Totals.Source != 15 {
				t.Errorf("findings %q, want %q; %+v", got, c.want, r.Totals)
			}
		})
	}
}

// Timestamps that do not fit into nanoseconds are compared as they are, and the
// rule of the cut is applied to them on both sides.
func TestExtremeTimestamps(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 2)
	times := []int64{math.MinInt64, -1 << 60, -9_300_000_000_000, 7_258_118_400_000, 9_300_000_000_000, 1 << 60, math.MaxInt64}
	w.produceRaw("orders", func(i int) recordbatch.Record {
		return recordbatch.Record{Timestamp: times[i], Key: fmt.Appendf(nil, "%d", i), Value: []byte("v")}
	}, len(times))
	w.archive("orders", 0, 0, nil)
	r := w.run(w.options("orders"))
	// Ten, and three that are not after now.
	if r.Outcome != OutcomePassed || r.Totals.Records != 13 || r.Totals.Source != 13 || r.Totals.Sealed != 17 {
		t.Errorf("%s: %+v, %+v", r.Outcome, r.Totals, r.Findings)
	}
}

// A source that is gone is no finding, is told, and leaves the recovery point
// unmeasured, never met.
func TestSourceIsGone(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 4)
	w.archive("orders", 0, 0, nil)
	o := w.options("orders")
	var err error
	o.Source, err = kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1"), kgo.RetryTimeout(time.Second), kgo.RequestRetries(1))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Source.Close()
	r := w.run(o)
	if r.Outcome != OutcomePassed || r.Source.Error == "" || r.Point.Measured || r.Totals.Sealed != 20 || len(r.Notes) == 0 {
		t.Errorf("%s: %+v, %+v", r.Outcome, r.Source, r.Totals)
	}
	for _, o := range r.Objectives {
		if o.Name == "recovery_point" && (o.Measured || o.Met) {
			t.Errorf("%+v", o)
		}
	}
	if !strings.Contains(r.Partitions[0].Why, "did not answer") {
		t.Errorf("row %+v", r.Partitions[0])
	}
}

// A region that is down is done without, and named; the other one alone is what
// a drill without it is for.
func TestRegions(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 4)
	row := w.archive("orders", 0, 0, nil)
	w.A.Down()
	r := w.run(w.options("orders"))
	if r.Outcome != OutcomePassed || !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "region a") }) || r.Totals.Copies != len(row) {
		t.Errorf("%s: %v, %+v", r.Outcome, r.Notes, r.Totals)
	}
	w.A.Fail(nil)
	calls := w.A.Calls("get") + w.A.Calls("readat") + w.A.Calls("list") + w.A.Calls("stat")
	alone, err := cover.New(w.trust(), []cover.Region{{Name: "b", Objects: w.B, Secrets: w.B}})
	if err != nil {
		t.Fatal(err)
	}
	o := w.options("orders")
	o.Without = "a"
	r, err = Run(t.Context(), alone, w.ID, o)
	if err != nil || r.Outcome != OutcomePassed || r.Without != "a" || r.Totals.Copies != len(row) {
		t.Errorf("%+v, %v", r, err)
	}
	if now := w.A.Calls("get") + w.A.Calls("readat") + w.A.Calls("list") + w.A.Calls("stat"); now != calls {
		t.Errorf("the region that is left out was asked %d times", now-calls)
	}
	w.B.Remove(row[0].Name.String())
	if r, err := Run(t.Context(), alone, w.ID, o); err == nil && r.Outcome != OutcomeFailed {
		t.Errorf("what only the other region has came back: %s", r.Outcome)
	}
}

// A segment that a roll-up has taken the place of since the plan is no finding;
// one whose offsets are gone with it is.
func TestLapsedMeanwhile(t *testing.T) {
	w := newWorld(t, 1, "orders")
	w.produce("orders", 1, 8)
	row := w.archive("orders", 0, 0, nil)
	w.Store(covertest.Spec{Base: 0, Next: 30, Partition: w.partition("orders", 0), Batches: w.log("orders", 0, 0)[:6]})
	for i, want := range []Outcome{OutcomePassed, OutcomePassed, OutcomePassed, OutcomeFailed} {
		o := w.options("orders")
		o.Progress = func(p Progress) {
			if p.Step == "comparing digests" {
				w.A.Remove(row[i].Name.String())
				w.B.Remove(row[i].Name.String())
			}
		}
		if i == 3 {
			o.Seed = 11
		}
		o.Parallel = 1
		if r := w.run(o); r.Outcome != want {
			t.Errorf("segment %d: %s, %v", i, r.Outcome, r.Findings)
		}
	}
}
