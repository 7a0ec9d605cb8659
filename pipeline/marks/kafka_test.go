package marks_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/pipeline/marks"
)

type brokers struct {
	*kfake.Cluster
	client *kgo.Client
	admin  *kadm.Client
}

func newBrokers(t *testing.T) *brokers {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RequestRetries(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &brokers{c, client, kadm.NewClient(client)}
}

func (b *brokers) commit(t *testing.T, group string, n int32, offset int64, metadata string) {
	t.Helper()
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: "orders", Partition: n, At: offset, LeaderEpoch: -1, Metadata: metadata})
	if err := b.admin.CommitAllOffsets(t.Context(), group, o); err != nil {
		t.Fatal(err)
	}
}

// read prints what is read of the groups.
func (b *brokers) read(t *testing.T) []string {
	t.Helper()
	r, err := marks.NewKafka(b.client).Read(t.Context(), func(g string) bool { return g != "tidemark" })
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, g := range r.Groups {
		text := g.Name
		if g.Err != nil {
			text += " unread"
		}
		for n := range int32(2) {
			if c, ok := g.Offsets[at("orders", n)]; ok {
				text += fmt.Sprintf(" %d=%d%s", n, c.Offset, c.Metadata)
			}
		}
		if (g.Err == nil) != !g.At.IsZero() {
			t.Errorf("group %s was read at %s, %v", g.Name, g.At, g.Err)
		}
		out = append(out, text)
	}
	return out
}

func want(t *testing.T, got []string, all ...string) {
	t.Helper()
	if !slices.Equal(got, all) {
		t.Errorf("%q, want %q", got, all)
	}
}

func TestReadGroups(t *testing.T) {
	b := newBrokers(t)
	want(t, b.read(t))
	for i := range 5 {
		b.commit(t, fmt.Sprintf("g%d", i), int32(i%2), int64(i), "m")
	}
	b.commit(t, "g0", 1, 7, "")
	b.commit(t, "tidemark", 1, 7, "")
	want(t, b.read(t), "g0 0=0m 1=7", "g1 1=1m", "g2 0=2m", "g3 1=3m", "g4 0=4m")
}

// A transaction that is about to commit offsets is waited for, a little. One that
// stays open leaves its group unread, and the others read.
func TestReadWaitsForTransactions(t *testing.T) {
	b := newBrokers(t)
	b.commit(t, "busy", 0, 3, "")
	b.commit(t, "idle", 0, 4, "")
	unstable := 0
	b.ControlKey(int16(kmsg.OffsetFetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		req := kreq.(*kmsg.OffsetFetchRequest)
		if !req.RequireStable {
			t.Error("offsets are read without require_stable")
		}
		if unstable == 0 || !slices.ContainsFunc(req.Groups, func(g kmsg.OffsetFetchRequestGroup) bool { return g.Group == "busy" }) {
			return nil, nil, false
		}
		unstable--
		return unstableAnswer(b, req), nil, true
	})
	want(t, b.read(t), "busy 0=3", "idle 0=4")
	unstable = 3
	want(t, b.read(t), "busy 0=3", "idle 0=4")
	unstable = 1 << 30
	begun := time.Now()
	want(t, b.read(t), "busy unread", "idle 0=4")
	if time.Since(begun) > 20*time.Second {
		t.Error("a transaction that stays open held up the mark")
	}
}

func unstableAnswer(b *brokers, req *kmsg.OffsetFetchRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
	for _, g := range req.Groups {
		rg := kmsg.NewOffsetFetchResponseGroup()
		rg.Group = g.Group
		rt := kmsg.NewOffsetFetchResponseGroupTopic()
		rt.Topic, rt.TopicID = "orders", b.TopicInfo("orders").TopicID
		rp := kmsg.NewOffsetFetchResponseGroupTopicPartition()
		rp.Offset = 4
		if g.Group == "busy" {
			rp.Offset, rp.ErrorCode = -1, kerr.UnstableOffsetCommit.Code
		}
		rt.Partitions = append(rt.Partitions, rp)
		rg.Topics = append(rg.Topics, rt)
		resp.Groups = append(resp.Groups, rg)
	}
	return resp
}

// A broker that cannot list its groups is said; the others' groups are read. A
// share group is there, and is not asked for offsets.
func TestReadWhatIsListed(t *testing.T) {
	b := newBrokers(t)
	b.commit(t, "g", 0, 3, "")
	b.ControlKey(int16(kmsg.ListGroups), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		resp := kreq.ResponseKind().(*kmsg.ListGroupsResponse)
		if b.CurrentNode() == 0 {
			resp.ErrorCode = kerr.CoordinatorNotAvailable.Code
			return resp, nil, true
		}
		for _, g := range [][2]string{{"g", "consumer"}, {"shared", "share"}} {
			rg := kmsg.NewListGroupsResponseGroup()
			rg.Group, rg.ProtocolType, rg.GroupState = g[0], g[1], "Stable"
			resp.Groups = append(resp.Groups, rg)
		}
		return resp, nil, true
	})
	r, err := marks.NewKafka(b.client).Read(t.Context(), func(string) bool { return true })
	if err != nil || r.Unlisted == nil || len(r.Groups) != 2 || r.Groups[0].Offsets[at("orders", 0)].Offset != 3 || !r.Groups[1].Share || r.Groups[1].Offsets != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// Where nobody may list groups, that is the error.
func TestReadNothing(t *testing.T) {
	b := newBrokers(t)
	b.ControlKey(int16(kmsg.ListGroups), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		resp := kreq.ResponseKind().(*kmsg.ListGroupsResponse)
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp, nil, true
	})
	if r, err := marks.NewKafka(b.client).Read(t.Context(), func(string) bool { return true }); err == nil || !errors.Is(err, kerr.ClusterAuthorizationFailed) && !strings.Contains(err.Error(), "CLUSTER_AUTHORIZATION") {
		t.Errorf("%+v, %v", r, err)
	}
}
