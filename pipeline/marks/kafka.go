package marks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

const (
	// groupsAtOnce are asked for in one request; each coordinator gets its own.
	groupsAtOnce = 200
	// settleWithin is how long a group is asked again whose transaction is about
	// to commit offsets. The others do not wait for it.
	settleWithin = time.Second
	settleEvery  = 25 * time.Millisecond
	// shareProtocol is the protocol type of share groups (KIP-932).
	shareProtocol = "share"
)

// Kafka reads consumer groups from a cluster.
type Kafka struct{ admin *kadm.Client }

// NewKafka reads through a client, which stays the caller's.
func NewKafka(client *kgo.Client) *Kafka { return &Kafka{admin: kadm.NewClient(client)} }

// Read implements Groups. Groups that this client may not describe are not
// there for it.
func (k *Kafka) Read(ctx context.Context, wanted func(group string) bool) (Reading, error) {
	listed, err := k.admin.ListGroups(ctx)
	if err != nil && len(listed) == 0 {
		return Reading{}, fmt.Errorf("list consumer groups: %w", err)
	}
	var r Reading
	if err != nil {
		r.Unlisted = fmt.Errorf("list consumer groups: %w", err)
	}
	found := map[string]*GroupReading{}
	var asked []string
	for _, g := range listed.Sorted() {
		if !wanted(g.Group) {
			continue
		}
		found[g.Group] = &GroupReading{Name: g.Group, State: g.State, Protocol: g.ProtocolType, Share: g.ProtocolType == shareProtocol}
		if !found[g.Group].Share {
			asked = append(asked, g.Group)
		}
	}
	for chunk := range slices.Chunk(asked, groupsAtOnce) {
		k.fetch(ctx, chunk, found)
	}
	k.settle(ctx, asked, found)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		r.Groups = append(r.Groups, *found[name])
	}
	return r, nil
}

// settle asks again for groups that were about to commit.
func (k *Kafka) settle(ctx context.Context, asked []string, found map[string]*GroupReading) {
	for until := time.Now().Add(settleWithin); time.Now().Before(until); {
		unstable := slices.DeleteFunc(slices.Clone(asked), func(name string) bool {
			return found[name] == nil || !errors.Is(found[name].Err, kerr.UnstableOffsetCommit)
		})
		if len(unstable) == 0 || !pause(ctx, settleEvery) {
			return
		}
		for chunk := range slices.Chunk(unstable, groupsAtOnce) {
			k.fetch(ctx, chunk, found)
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// fetch reads the offsets of some groups. A group that is gone is forgotten.
func (k *Kafka) fetch(ctx context.Context, groups []string, found map[string]*GroupReading) {
	answers := k.admin.FetchManyOffsets(kadm.RequireStable(ctx), groups...)
	now := time.Now()
	for _, name := range groups {
		a, ok := answers[name]
		g := found[name]
		if !ok {
			a.Err = errors.New("the coordinator did not answer for it")
		}
		if errors.Is(a.Err, kerr.GroupIDNotFound) {
			delete(found, name)
			continue
		}
		g.At, g.Err, g.Offsets = now, a.Err, nil
		if a.Err == nil {
			g.Offsets, g.Err = committed(a.Fetched)
		}
		if g.Err != nil {
			g.At, g.Offsets = time.Time{}, nil
		}
	}
}

// committed takes the offsets of an answer. One that cannot be told makes the
// whole group unread: its offsets belong together.
func committed(answer kadm.OffsetResponses) (map[archive.Key]Committed, error) {
	out := map[archive.Key]Committed{}
	for topic, ps := range answer {
		for n, o := range ps {
			if o.Err != nil {
				return nil, fmt.Errorf("topic %s partition %d: %w", topic, n, o.Err)
			}
			if o.At >= 0 {
				out[archive.Key{Topic: topic, Partition: n}] = Committed{Offset: o.At, Metadata: o.Metadata, Topic: names.TopicID(o.TopicID)}
			}
		}
	}
	return out, nil
}
