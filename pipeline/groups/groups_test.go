package groups_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/groups"
	"github.com/tidemark-io/tidemark/pipeline/marks"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// setting is an archive of two partitions with holes, a plan to restore it, and
// a target where that has been done: 40 and 20 records.
type setting struct {
	src    restore.Source
	plan   *restore.Plan
	client *kgo.Client
	admin  *kadm.Client
	fake   *kfake.Cluster
	file   string
}

var noon = time.UnixMilli(1_795_000_000_000).UTC()

func newSetting(t *testing.T) *setting {
	t.Helper()
	w := covertest.New(t)
	for n, count := range []int64{40, 20} {
		p := covertest.Partition
		p.Number = int32(n)
		var batches [][]byte
		for i := range count / 10 {
			batches = append(batches, covertest.Batch(t, 1000+20*i, 10)) // ten offsets of twenty
		}
		w.Store(covertest.Spec{Partition: p, Base: 1000, Next: 1000 + 2*count, Batches: batches})
	}
	s := &setting{src: restore.FromArchive(w.Archive(), nil), file: filepath.Join(t.TempDir(), "rollback.json")}
	var err error
	s.plan, err = restore.NewPlan(t.Context(), s.src, restore.Request{To: noon, Topics: map[string]string{"orders": "restored"}}, nil)
	if err != nil || s.plan.Refused() != nil {
		t.Fatal(err, s.plan.Refused())
	}
	s.fake, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "restored", "other"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.fake.Close)
	s.client, err = kgo.NewClient(kgo.SeedBrokers(s.fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	s.admin = kadm.NewClient(s.client)
	for n, count := range []int{40, 20} {
		for i := range count {
			r := &kgo.Record{Topic: "restored", Partition: int32(n), Value: fmt.Append(nil, i)}
			if err := s.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

func offset(n int32, committed int64) marks.Offset {
	return marks.Offset{Topic: "orders", ID: covertest.Partition.Lineage.Topic, Partition: n, Offset: committed, Metadata: fmt.Sprint("m", committed), At: noon.Add(-time.Minute)}
}

func mark(all ...marks.Group) *marks.Mark {
	m := &marks.Mark{At: noon.Add(-time.Minute), Documents: []string{"marks/x"}, Groups: all}
	for n, stable := range []int64{1080, 1040} {
		m.Partitions = append(m.Partitions, marks.Partition{Topic: "orders", Lineage: covertest.Partition.Lineage, Number: int32(n), Stable: stable})
	}
	return m
}

func (s *setting) groups(t *testing.T, m *marks.Mark, o groups.Options) *groups.Plan {
	t.Helper()
	p, err := groups.NewPlan(t.Context(), s.plan, s.src, m, s.client, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// committed prints what a group has on the target.
func (s *setting) committed(t *testing.T, group string) string {
	t.Helper()
	found, err := s.admin.FetchOffsets(t.Context(), group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return err.Error()
	}
	var out []string
	for _, r := range found.Sorted() {
		if r.At >= 0 {
			out = append(out, fmt.Sprintf("%s/%d=%d%s", r.Topic, r.Partition, r.At, r.Metadata))
		}
	}
	return strings.Join(out, " ")
}

func (s *setting) commit(t *testing.T, group, topic string, partition int32, at int64, metadata string) {
	t.Helper()
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: topic, Partition: partition, At: at, LeaderEpoch: -1, Metadata: metadata})
	if err := s.admin.CommitAllOffsets(t.Context(), group, o); err != nil {
		t.Fatal(err)
	}
}

func TestPlan(t *testing.T) {
	s := newSetting(t)
	m := mark(
		marks.Group{Name: "billing", Offsets: []marks.Offset{offset(0, 1025), offset(1, 1015)}},
		marks.Group{Name: "late", Offsets: []marks.Offset{offset(0, 1081), offset(1, 3)}},
		marks.Group{Name: "elsewhere", Offsets: []marks.Offset{{Topic: "payments", Offset: 3}, {Topic: "orders", ID: names.TopicID{1}, Offset: 5}}},
		marks.Group{Name: "never", Unread: "no coordinator"},
	)
	m.Shares = []marks.ShareGroup{{Name: "shared"}}
	p := s.groups(t, m, groups.Options{})
	var got []string
	for _, g := range p.Groups {
		for _, o := range g.Offsets {
			got = append(got, fmt.Sprintf("%s %s/%d %d>%d lag %d %s", g.Into, o.Into, o.Partition, o.Committed, o.Target, o.Lag, o.Clamped))
		}
		if g.Refusal != "" {
			got = append(got, g.Name+" refused")
		}
	}
	want := "billing restored/0 1025>15 lag 55 |billing restored/1 1015>10 lag 25 |late restored/0 1081>40 lag 0 past-the-end|" +
		"late restored/1 3>0 lag 1037 before-the-archive|never refused"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if p.Clamped() != 2 || !p.Mark.Equal(m.At) || len(p.Warnings) != 3 || p.Check() != nil || p.Refused() == nil {
		t.Errorf("%+v", p)
	}
	only := s.groups(t, m, groups.Options{Groups: []string{"billing", "shared", "unknown"}, Rename: map[string]string{"billing": "billing-2"}})
	if len(only.Groups) != 3 || only.Groups[0].Into != "billing-2" || only.Groups[1].Refusal == "" || only.Groups[2].Refusal == "" {
		t.Errorf("%+v", only.Groups)
	}
	m.At = noon.Add(time.Millisecond)
	if _, err := groups.NewPlan(t.Context(), s.plan, s.src, m, s.client, groups.Options{}); err == nil {
		t.Error("a mark after the moment was taken")
	}
}

// A saved plan is the same plan; one that was changed is refused.
func TestSavedPlan(t *testing.T) {
	s := newSetting(t)
	p := s.groups(t, mark(marks.Group{Name: "billing", Offsets: []marks.Offset{offset(0, 1025)}}), groups.Options{})
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back groups.Plan
	if err := json.Unmarshal(text, &back); err != nil || back.Check() != nil {
		t.Errorf("%v, %v", err, back.Check())
	}
	back.Groups[0].Offsets[0].Target++
	if err := groups.Apply(t.Context(), &back, s.client, s.file); err == nil || s.committed(t, "billing") != "" {
		t.Errorf("a plan that was changed was applied: %v", err)
	}
}

// TestRow71ApplyAndRollback: offsets land, with their metadata; what was there
// comes back, and what was not is gone (fault 71).
func TestRow71ApplyAndRollback(t *testing.T) {
	s := newSetting(t)
	s.commit(t, "billing", "restored", 0, 3, "old")
	s.commit(t, "billing", "other", 1, 0, "stays")
	p := s.groups(t, mark(
		marks.Group{Name: "billing", Offsets: []marks.Offset{offset(0, 1025), offset(1, 1040)}},
		marks.Group{Name: "fresh", Offsets: []marks.Offset{offset(1, 1012)}},
	), groups.Options{})
	for range 2 { // once more does nothing
		if err := groups.Apply(t.Context(), p, s.client, s.file); err != nil {
			t.Fatal(err)
		}
		if b, f := s.committed(t, "billing"), s.committed(t, "fresh"); b != "other/1=0stays restored/0=15m1025 restored/1=20m1040" || f != "restored/1=10m1012" {
			t.Errorf("billing %q, fresh %q", b, f)
		}
		s.commit(t, "fresh", "restored", 1, 11, "")
		if err := groups.Apply(t.Context(), p, s.client, s.file); err != nil || s.committed(t, "fresh") != "restored/1=11" {
			t.Errorf("a group that went on was put back: %s, %v", s.committed(t, "fresh"), err)
		}
		s.commit(t, "fresh", "restored", 1, 10, "m1012")
	}
	for range 2 {
		if err := groups.Rollback(t.Context(), s.file, s.client); err != nil {
			t.Fatal(err)
		}
		if b := s.committed(t, "billing"); b != "other/1=0stays restored/0=3old" {
			t.Errorf("billing %q", b)
		}
	}
	if listed, err := s.admin.ListGroups(t.Context()); err != nil || len(listed) != 1 {
		t.Errorf("%v, %v", listed, err)
	}
	if err := groups.Apply(t.Context(), p, s.client, s.file); err == nil {
		t.Error("applied again over a rollback")
	}
}

// A crash between two groups: the same call goes on, and the rollback file still
// says what was there before the first.
func TestApplyGoesOnAfterACrash(t *testing.T) {
	s := newSetting(t)
	s.commit(t, "a", "restored", 0, 1, "")
	s.commit(t, "b", "restored", 0, 2, "")
	p := s.groups(t, mark(
		marks.Group{Name: "a", Offsets: []marks.Offset{offset(0, 1025)}}, marks.Group{Name: "b", Offsets: []marks.Offset{offset(0, 1026)}},
	), groups.Options{})
	dead := errors.New("killed")
	commits := 0
	s.fake.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.fake.KeepControl()
		if commits++; commits == 2 {
			return nil, dead, true
		}
		return nil, nil, false
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := groups.Apply(ctx, p, s.client, s.file); err == nil && commits > 1 {
		t.Log("the client tried again by itself")
	}
	before, err := os.ReadFile(s.file)
	if err != nil || !strings.Contains(string(before), `"offset": 1,`) || !strings.Contains(string(before), `"offset": 2,`) {
		t.Fatalf("%s, %v", before, err)
	}
	if err := groups.Apply(t.Context(), p, s.client, s.file); err != nil {
		t.Fatal(err)
	}
	if a, b := s.committed(t, "a"), s.committed(t, "b"); a != "restored/0=15m1025" || b != "restored/0=16m1026" {
		t.Errorf("%q, %q", a, b)
	}
	if err := groups.Rollback(t.Context(), s.file, s.client); err != nil {
		t.Fatal(err)
	}
	if a, b := s.committed(t, "a"), s.committed(t, "b"); a != "restored/0=1" || b != "restored/0=2" {
		t.Errorf("%q, %q", a, b)
	}
}

// A group that somebody reads in is refused, in the plan and when it is applied,
// and nothing at all is written.
func TestGroupsInUse(t *testing.T) {
	s := newSetting(t)
	m := mark(
		marks.Group{Name: "a", Offsets: []marks.Offset{offset(0, 1025)}}, marks.Group{Name: "billing", Offsets: []marks.Offset{offset(0, 1025)}},
	)
	p := s.groups(t, m, groups.Options{})
	if p.Refused() != nil {
		t.Fatal(p.Refused())
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.fake.ListenAddrs()...), kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("restored"), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	reader.PollFetches(t.Context())
	if again := s.groups(t, m, groups.Options{}); again.Groups[0].Refusal != "" || !strings.Contains(again.Groups[1].Refusal, "stop its consumers") {
		t.Errorf("%+v", again.Groups)
	}
	refused := (*groups.RefusedError)(nil)
	if err := groups.Apply(t.Context(), p, s.client, s.file); !errors.As(err, &refused) || s.committed(t, "a") != "" {
		t.Errorf("%v, a %q", err, s.committed(t, "a"))
	}
	if _, err := os.Stat(s.file); err == nil {
		t.Error("a rollback file of nothing")
	}
	again := s.groups(t, m, groups.Options{})
	left, err := again.LeaveOut()
	if err != nil || len(left) != 1 || left[0].Name != "billing" || again.Check() != nil || again.Refused() != nil {
		t.Errorf("%+v, %v", left, err)
	}
	if err := groups.Apply(t.Context(), again, s.client, s.file); err != nil || s.committed(t, "a") != "restored/0=15m1025" {
		t.Errorf("%v, a %q", err, s.committed(t, "a"))
	}
}

// Groups are put nowhere before the restore has come there.
func TestApplyBeforeTheRestore(t *testing.T) {
	s := newSetting(t)
	p := s.groups(t, mark(marks.Group{Name: "a", Offsets: []marks.Offset{offset(0, 1081)}}), groups.Options{})
	if _, err := s.admin.DeleteTopics(t.Context(), "restored"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.admin.CreateTopic(t.Context(), 2, 1, nil, "restored"); err != nil {
		t.Fatal(err)
	}
	if err := groups.Apply(t.Context(), p, s.client, s.file); err == nil || !strings.Contains(err.Error(), "finish the restore first") {
		t.Errorf("%v", err)
	}
	if err := groups.Apply(t.Context(), p, s.client, ""); err == nil {
		t.Error("applied without a rollback file")
	}
}
