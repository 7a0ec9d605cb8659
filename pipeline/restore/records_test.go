package restore

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// records collects what a plan brings of a partition, with archived offsets.
func records(t testing.TB, p *Plan, s Source, topic string, partition int32) []recordbatch.Record {
	t.Helper()
	var got []recordbatch.Record
	for r, err := range p.Records(t.Context(), s, topic, partition) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, cover.CloneRecord(r))
	}
	return got
}

// dense numbers records as a target does.
func dense(recs []recordbatch.Record) []recordbatch.Record {
	for i := range recs {
		recs[i].Offset = int64(i)
	}
	return recs
}

func TestPlanWithoutATarget(t *testing.T) {
	archive := shelves{orders(0): everyKind(t), orders(1): everyKind(t)}
	for _, to := range []int64{6, 1000, 40 * 24 * 3600 * 1000} {
		p := plan(t, archive, nil, request(to))
		if err := p.Refused(); err != nil || p.Cluster != "" {
			t.Fatalf("refused %v, cluster %q", err, p.Cluster)
		}
		want := expected(t, archive[orders(1)], to)
		same(t, "records", dense(records(t, p, archive, "orders", 1)), want)
		same(t, "batches", batches(t, p, archive, 1), want)
	}
}

// batches decodes what Batches yields and checks what it says of them.
func batches(t testing.TB, p *Plan, s Source, partition int32) []recordbatch.Record {
	t.Helper()
	var got []recordbatch.Record
	for b, err := range p.Batches(t.Context(), s, "orders", partition) {
		if err != nil {
			t.Fatal(err)
		}
		h, err := recordbatch.ParseHeader(b.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if h.Count != b.Count || b.Whole != (h.PartitionLeaderEpoch == 3) || b.Whole && h.BaseOffset != b.First {
			t.Errorf("batch %+v says it is %+v", h, b)
		}
		for r, err := range recordbatch.NewDecoder(0).Records(b.Bytes) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, cover.CloneRecord(r))
		}
	}
	return dense(got)
}

func TestRecordsOfWhatIsNotPlanned(t *testing.T) {
	archive := shelves{orders(0): everyKind(t)}
	p := plan(t, archive, nil, request(1000))
	if got := records(t, p, archive, "orders", 5); len(got) > 0 {
		t.Errorf("partition 5: %v", got)
	}
	for _, err := range p.Records(t.Context(), archive, "payments", 0) {
		if err == nil {
			t.Error("a topic that is not in the plan was read")
		}
	}
}

func TestCutAtOffsets(t *testing.T) {
	archive := shelves{orders(0): everyKind(t), orders(1): everyKind(t), orders(2): everyKind(t)}
	for _, end := range []int64{3, 4, 9, 14, 19, 22, 31} {
		r := Request{Cut: CutOffsets, Topics: map[string]string{"orders": "restored"}, Offsets: map[string]map[int32]int64{
			"orders": {0: end, 1: 31}, "payments": {0: 7},
		}}
		p := plan(t, archive, nil, r)
		if err := p.Refused(); err != nil {
			t.Fatal(err)
		}
		for n, want := range map[int32]int64{0: end, 1: 31, 2: 0} {
			what := fmt.Sprintf("partition %d up to %d", n, want)
			same(t, what, records(t, p, archive, "orders", n), below(t, archive[orders(n)], want))
			same(t, what, batches(t, p, archive, n), dense(below(t, archive[orders(n)], want)))
		}
	}
}

// below is the oracle of a cut at an offset.
func below(t testing.TB, s *shelf, end int64) []recordbatch.Record {
	t.Helper()
	var want []recordbatch.Record
	for _, b := range s.batches {
		if h, _ := recordbatch.ParseHeader(b); h.IsControl() {
			continue
		}
		for r, err := range recordbatch.NewDecoder(0).Records(b) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Offset < end {
				want = append(want, cover.CloneRecord(r))
			}
		}
	}
	return want
}

func TestRow66OffsetsThatAreNotArchived(t *testing.T) {
	s := &shelf{batches: [][]byte{
		batch(t, recordbatch.Options{}, rec(10, 1000), rec(11, 1100)),
		batch(t, recordbatch.Options{}, rec(20, 2000), rec(21, 3000)),
	}, gaps: []Gap{{Base: 12, Next: 20, Reason: "retention"}}}
	archive := shelves{orders(0): s}
	for offset, want := range map[int64][]Cause{
		1: {CauseEmpty, CauseNotArchived}, 10: {CauseEmpty}, 11: nil, 12: nil, 13: {CauseInGap}, 20: {CauseInGap}, 21: nil, 22: nil, 23: {CauseNotArchived},
	} {
		r := Request{Cut: CutOffsets, Topics: map[string]string{"orders": "restored"}, Offsets: map[string]map[int32]int64{"orders": {0: offset}}}
		if got := causes(plan(t, archive, nil, r)); !slices.Equal(got, want) {
			t.Errorf("offset %d: refused for %v, want %v", offset, got, want)
		}
		if offset == 20 {
			r.AllowIncomplete = true
			if got := causes(plan(t, archive, nil, r)); len(got) > 0 {
				t.Errorf("offset %d, incomplete allowed: refused for %v", offset, got)
			}
		}
	}
	r := Request{Cut: CutOffsets, Topics: map[string]string{"orders": "restored"}, Offsets: map[string]map[int32]int64{"orders": {0: 11, 4: 3}}}
	if got := causes(plan(t, archive, nil, r)); !slices.Equal(got, []Cause{CauseNotArchived}) {
		t.Errorf("a partition that is not archived: refused for %v", got)
	}
}

func TestOriginHeader(t *testing.T) {
	archive := shelves{orders(3): everyKind(t)}
	r := request(1000)
	r.OriginHeader = "tidemark-origin"
	p := plan(t, archive, nil, r)
	want := records(t, plan(t, archive, nil, request(1000)), archive, "orders", 3)
	for i := range want {
		want[i].Headers = append(want[i].Headers, recordbatch.RecordHeader{Key: []byte("tidemark-origin"), Value: fmt.Appendf(nil, "3:%d", want[i].Offset)})
	}
	same(t, "records", records(t, p, archive, "orders", 3), want)
	same(t, "batches", batches(t, p, archive, 3), dense(want))
}
