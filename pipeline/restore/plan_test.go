package restore

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

func causes(p *Plan) []Cause {
	var found []Cause
	for _, r := range p.Refusals {
		found = append(found, r.Cause)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// refused also proves that a refused plan writes nothing.
func refused(t *testing.T, c *kfake.Cluster, client *kgo.Client, archive shelves, r Request, want ...Cause) *Plan {
	t.Helper()
	p := plan(t, archive, client, r)
	if got := causes(p); !slices.Equal(got, want) {
		t.Fatalf("refused for %v (%+v), want %v", got, p.Refusals, want)
	}
	if len(want) == 0 {
		return p
	}
	opts := options(t)
	var e *RefusedError
	if _, err := Execute(t.Context(), p, archive, client, opts); !errors.As(err, &e) {
		t.Errorf("execute: %v, want a RefusedError", err)
	}
	if s, err := loadState(opts.StateFile); err == nil {
		t.Errorf("a refused plan left a state file: %+v", s)
	}
	if info := c.TopicInfo("restored"); info != nil && r.Topics["orders"] == "restored" && c.PartitionInfo("restored", 0).HighWatermark > 1 {
		t.Error("a refused plan wrote records")
	}
	return p
}

func TestMomentOutsideTheArchive(t *testing.T) {
	c, client := cluster(t)
	s := &shelf{batches: [][]byte{
		batch(t, recordbatch.Options{}, rec(10, 1000), rec(11, 1100)),
		batch(t, recordbatch.Options{Codec: recordbatch.CodecZstd}, rec(12, 2000), rec(13, 1500)),
	}}
	idle := &shelf{batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 900))}}
	archive := shelves{orders(0): s}

	p := refused(t, c, client, archive, request(999), CauseEmpty)
	if !strings.Contains(p.Refusals[0].Text, moment(1000)) {
		t.Errorf("%q does not tell the first moment", p.Refusals[0].Text)
	}
	p = refused(t, c, client, archive, request(2001))
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], moment(2000)) {
		t.Errorf("warnings %q do not tell that the archive ends at %s", p.Warnings, moment(2000))
	}
	refused(t, c, client, archive, request(1000))
	refused(t, c, client, archive, request(2000))
	refused(t, c, client, shelves{orders(0): s, orders(1): idle}, request(2000))

	refused(t, c, client, shelves{orders(0): {}}, request(5), CauseEmpty)
	refused(t, c, client, shelves{}, request(5), CauseNotArchived)
	r := request(1500)
	r.Partitions = []int32{4}
	refused(t, c, client, archive, r, CauseNotArchived)
}

func TestMomentInsideAGap(t *testing.T) {
	c, client := cluster(t)
	s := &shelf{batches: [][]byte{
		batch(t, recordbatch.Options{}, rec(0, 1000), rec(1, 1100)),
		batch(t, recordbatch.Options{}, rec(9, 2000), rec(10, 3000)),
	}, gaps: []Gap{{Base: 2, Next: 9, Reason: "retention overtook the archiver"}}}
	archive := shelves{orders(0): s}
	for to, want := range map[int64][]Cause{1000: nil, 1099: nil, 1100: {CauseInGap}, 1999: {CauseInGap}, 2000: nil, 3000: nil} {
		p := refused(t, c, client, archive, request(to), want...)
		if len(p.Topics[0].Partitions[0].Gaps) != 1 {
			t.Errorf("at %d the plan does not list the gap", to)
		}
	}
	r := request(1500)
	r.AllowIncomplete = true
	p := refused(t, c, client, archive, r)
	if got := p.Topics[0].Partitions[0].Stretches; !slices.Equal(got, []Stretch{{firstLife, 0, 2}, {firstLife, 9, 11}}) {
		t.Errorf("stretches %v do not leave out the gap", got)
	}
	s.gaps[0].Unexplained = true
	refused(t, c, client, archive, request(3000), CauseHole)
	r = request(3000)
	r.AllowIncomplete = true
	refused(t, c, client, archive, r)
}

func TestTargetIsRefused(t *testing.T) {
	archive := shelves{orders(0): everyKind(t), orders(1): everyKind(t)}
	allow := request(1000)
	allow.AllowDifferences = true
	t.Run("not empty", func(t *testing.T) {
		c, client := cluster(t, kfake.SeedTopics(2, "restored"))
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "restored", Value: []byte("here first")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		refused(t, c, client, archive, allow, CauseTargetUnusable)
	})
	t.Run("fewer partitions", func(t *testing.T) {
		c, client := cluster(t, kfake.SeedTopics(1, "restored"))
		refused(t, c, client, archive, allow, CauseTargetUnusable)
	})
	t.Run("more partitions", func(t *testing.T) {
		c, client := cluster(t, kfake.SeedTopics(3, "restored"))
		refused(t, c, client, archive, request(1000), CauseTarget)
		refused(t, c, client, archive, allow)
	})
	t.Run("settings", func(t *testing.T) {
		c, client := cluster(t)
		small := "1000"
		if err := c.CreateTopic("restored", 2, map[string]string{"max.message.bytes": small, "cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}); err != nil {
			t.Fatal(err)
		}
		p := refused(t, c, client, archive, request(1000), CauseTarget)
		var named []string
		for _, d := range p.Topics[0].Differences {
			named = append(named, d.Setting)
		}
		for _, want := range []string{"max.message.bytes", "cleanup.policy", "message.timestamp.type", "retention.ms"} {
			if !slices.Contains(named, want) {
				t.Errorf("the differences %v do not name %s", named, want)
			}
		}
		p = refused(t, c, client, archive, allow)
		if p.Topics[0].MaxMessageBytes != 1000 {
			t.Errorf("max_message_bytes = %d, want 1000", p.Topics[0].MaxMessageBytes)
		}
	})
	t.Run("the source cluster", func(t *testing.T) {
		c, client := cluster(t)
		r := request(1000)
		r.Topics, r.SourceCluster = map[string]string{"orders": "orders"}, "target"
		refused(t, c, client, archive, r, CauseTarget)
		r.Topics["orders"] = "elsewhere"
		refused(t, c, client, archive, r)
	})
	t.Run("the source topic", func(t *testing.T) {
		c, client := cluster(t, kfake.SeedTopics(2, "restored"))
		own := shelves{}
		life := names.Lineage{Topic: names.TopicID(c.TopicInfo("restored").TopicID), Branch: names.RootBranch}
		for n := range int32(2) {
			own[names.Partition{Topic: "orders", Lineage: life, Number: n}] = everyKind(t)
		}
		p := refused(t, c, client, own, request(1000), CauseTarget)
		if p.Topics[0].Differences[len(p.Topics[0].Differences)-1].Setting != "cluster" {
			t.Errorf("%+v does not say that it is the source", p.Topics[0].Differences)
		}
	})
}

func TestPlanNamesWhatItReads(t *testing.T) {
	_, client := cluster(t)
	archive := shelves{orders(0): everyKind(t), orders(3): everyKind(t)}
	older := names.Partition{Topic: "orders", Lineage: names.Lineage{Branch: names.RootBranch}, Number: 0}
	archive[older] = everyKind(t)
	p := plan(t, archive, client, request(1000))
	topic := p.Topics[0]
	if topic.ID != firstLife.Topic || len(topic.Lives) != 1 || topic.Lives[0].ID != older.Lineage.Topic {
		t.Errorf("life %v, others %v", topic.ID, topic.Lives)
	}
	if topic.PartitionCount != 4 || len(topic.Partitions) != 2 || !topic.Create {
		t.Errorf("%d partitions, %d with data, create %v", topic.PartitionCount, len(topic.Partitions), topic.Create)
	}
	part := topic.Partitions[0]
	if len(part.Segments) != len(archive[orders(0)].batches) || !slices.Equal(part.Stretches, []Stretch{{firstLife, 0, 31}}) || part.MaxRecords < 20 || part.MaxBytes == 0 {
		t.Errorf("partition plan %+v", part)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Plan
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if err := back.check(); err != nil {
		t.Errorf("a plan that went through JSON: %v", err)
	}
	if p.Cluster != "target" {
		t.Errorf("target cluster %q", p.Cluster)
	}
}

// What is archived after the plan was made does not come back.
func TestPlanPinsTheOffsets(t *testing.T) {
	c, client := cluster(t)
	s := &shelf{batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 1), rec(1, 5))}}
	archive := shelves{orders(0): s}
	p := plan(t, archive, client, request(5))
	want := expected(t, s, 5)
	s.batches = append(s.batches, batch(t, recordbatch.Options{}, rec(2, 2)))
	if _, err := Execute(t.Context(), p, archive, client, options(t)); err != nil {
		t.Fatal(err)
	}
	same(t, "pinned", read(t, c.ListenAddrs(), "restored", 0), want)
}

func TestTargetChangedSinceThePlan(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): everyKind(t)}
	p := plan(t, archive, client, request(1000))
	if err := c.CreateTopic("restored", 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Execute(t.Context(), p, archive, client, options(t)); err == nil {
		t.Error("a topic that appeared after the plan was filled")
	}
}

func TestRequestIsValidated(t *testing.T) {
	for name, r := range map[string]Request{
		"no moment":   {Topics: map[string]string{"a": "b"}},
		"no topic":    {To: at(1)},
		"bad name":    {To: at(1), Topics: map[string]string{"../a": "b"}},
		"bad target":  {To: at(1), Topics: map[string]string{"a": ".."}},
		"same target": {To: at(1), Topics: map[string]string{"a": "c", "b": "c"}},
		"bad number":  {To: at(1), Topics: map[string]string{"a": "b"}, Partitions: []int32{-1}},
	} {
		if _, err := NewPlan(t.Context(), shelves{}, r, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The newest branch comes back, with what its parent held below the divergence.
func TestBranchesAreFollowed(t *testing.T) {
	c, client := cluster(t)
	branch := names.Lineage{Topic: firstLife.Topic, Branch: 5}
	root := &shelf{batches: [][]byte{
		batch(t, recordbatch.Options{}, rec(0, 10), rec(1, 11)), batch(t, recordbatch.Options{}, rec(2, 12), rec(3, 13)),
	}}
	diverged := &shelf{parent: &firstLife, batches: [][]byte{batch(t, recordbatch.Options{}, rec(2, 100), rec(3, 101), rec(4, 102))}}
	archive := shelves{orders(0): root, {Topic: "orders", Lineage: branch, Number: 0}: diverged, orders(1): root}
	p := plan(t, archive, client, request(102))
	part := p.Topics[0].Partitions[0]
	if !slices.Equal(part.Stretches, []Stretch{{firstLife, 0, 2}, {branch, 2, 5}}) || !slices.Equal(part.Abandoned, []Stretch{{firstLife, 2, 4}}) {
		t.Errorf("stretches %v, abandoned %v", part.Stretches, part.Abandoned)
	}
	if _, err := Execute(t.Context(), p, archive, client, options(t)); err != nil {
		t.Fatal(err)
	}
	want := expected(t, &shelf{batches: [][]byte{root.batches[0], diverged.batches[0]}}, 102)
	same(t, "branched", read(t, c.ListenAddrs(), "restored", 0), want)
	same(t, "not branched", read(t, c.ListenAddrs(), "restored", 1), expected(t, root, 102))
}
