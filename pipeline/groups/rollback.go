package groups

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/durable"
)

// Before is what a target had before groups were put there: the rollback file.
type Before struct {
	// Plan is the digest of the plan that was applied.
	Plan    names.Digest  `json:"plan"`
	Cluster string        `json:"target_cluster"`
	At      time.Time     `json:"at"`
	Groups  []GroupBefore `json:"groups"`
	// Applied and RolledBack are when all of it was done and undone.
	Applied    *time.Time `json:"applied,omitempty"`
	RolledBack *time.Time `json:"rolled_back,omitempty"`
}

// GroupBefore is what a group had.
type GroupBefore struct {
	Group string `json:"group"`
	// Existed is false for a group that was not there.
	Existed bool           `json:"existed"`
	Offsets []OffsetBefore `json:"offsets"`
}

// OffsetBefore is what a group had committed of one partition.
type OffsetBefore struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// Offset is -1 where nothing was committed.
	Offset      int64  `json:"offset"`
	LeaderEpoch int32  `json:"leader_epoch"`
	Metadata    string `json:"metadata,omitempty"`
}

// before reads what the plan is about to replace.
func (t *target) before(ctx context.Context, p *Plan) (*Before, error) {
	listed, err := t.listed(ctx)
	if err != nil {
		return nil, err
	}
	b := &Before{Plan: p.Digest, Cluster: p.Cluster, At: time.Now().UTC(), Groups: []GroupBefore{}}
	for _, g := range p.Groups {
		had, err := t.had(ctx, g.Into)
		if err != nil {
			return nil, err
		}
		_, existed := listed[g.Into]
		out := GroupBefore{Group: g.Into, Existed: existed, Offsets: []OffsetBefore{}}
		for _, o := range g.Offsets {
			was := OffsetBefore{Topic: o.Into, Partition: o.Partition, Offset: -1, LeaderEpoch: -1}
			if r, ok := had.Lookup(o.Into, o.Partition); ok && r.At >= 0 {
				was.Offset, was.LeaderEpoch, was.Metadata = r.At, r.LeaderEpoch, r.Metadata
			}
			out.Offsets = append(out.Offsets, was)
		}
		b.Groups = append(b.Groups, out)
	}
	return b, nil
}

// loadFor returns the rollback file of an earlier run of the same plan, nil if
// there is none. That of another plan is an error: it is all that is left of
// what the target had then.
func loadFor(file string, p *Plan) (*Before, error) {
	if file == "" {
		return nil, errors.New("no rollback file is named: without one it could not be undone")
	}
	b, err := load(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if b.Plan != p.Digest {
		return nil, fmt.Errorf("rollback file %s belongs to another plan: name another file, or roll that one back", file)
	}
	if b.RolledBack != nil {
		return nil, fmt.Errorf("rollback file %s says that this plan was rolled back at %s: name another file to apply it again", file, stamp(*b.RolledBack))
	}
	return b, nil
}

func load(file string) (*Before, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read rollback file: %w", err)
	}
	var b Before
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("read rollback file %s: %w", file, err)
	}
	return &b, nil
}

// save replaces the file as a whole, and returns after it would survive a power
// cut.
func (b *Before) save(file string) error {
	text, err := json.MarshalIndent(b, "", "  ")
	if err == nil {
		err = durable.Replace(file, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write rollback file: %w", err)
	}
	return nil
}

// Rollback puts the groups back to where the file says they were, whether Apply
// came to its end or not. As Apply it touches empty groups only, and may be run
// again. A group that was not there is deleted, if nothing else is in it by now.
func Rollback(ctx context.Context, file string, client *kgo.Client) error {
	b, err := load(file)
	if err != nil {
		return err
	}
	if b.RolledBack != nil {
		return nil
	}
	t := newTarget(client)
	if err := t.undo(ctx, b); err != nil {
		return fmt.Errorf("roll consumer groups back: %w", err)
	}
	now := time.Now().UTC()
	b.RolledBack = &now
	return b.save(file)
}

func (t *target) undo(ctx context.Context, b *Before) error {
	if err := t.checkCluster(ctx, b.Cluster); err != nil {
		return err
	}
	listed, err := t.listed(ctx)
	if err != nil {
		return err
	}
	var refused []Group
	for _, g := range b.Groups {
		if why := unfit(listed, g.Group); why != "" {
			refused = append(refused, Group{Into: g.Group, Refusal: why})
		}
	}
	if len(refused) > 0 {
		return &RefusedError{Groups: refused}
	}
	for _, g := range b.Groups {
		if _, there := listed[g.Group]; !there && !g.Existed {
			continue
		}
		if err := t.undoGroup(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func (t *target) undoGroup(ctx context.Context, g GroupBefore) error {
	had, none := kadm.Offsets{}, kadm.TopicsSet{}
	for _, o := range g.Offsets {
		if o.Offset < 0 {
			none.Add(o.Topic, o.Partition)
			continue
		}
		had.Add(kadm.Offset{Topic: o.Topic, Partition: o.Partition, At: o.Offset, LeaderEpoch: o.LeaderEpoch, Metadata: o.Metadata})
	}
	if err := t.clear(ctx, g.Group, none); err != nil {
		return err
	}
	if !g.Existed {
		return t.remove(ctx, g.Group)
	}
	return t.put(ctx, g.Group, had)
}

// clear deletes offsets. Those of a topic that is gone went with it.
func (t *target) clear(ctx context.Context, group string, offsets kadm.TopicsSet) error {
	if len(offsets) == 0 {
		return nil
	}
	answer, err := t.admin.DeleteOffsets(ctx, group, offsets)
	answer.EachError(func(topic string, n int32, e error) {
		if !errors.Is(e, kerr.UnknownTopicOrPartition) && err == nil {
			err = fmt.Errorf("topic %s partition %d: %w", topic, n, e)
		}
	})
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("delete the offsets of group %s that it did not have before: %w", group, err)
	}
	return nil
}

// remove deletes a group that was not there before, unless it has come to have
// offsets elsewhere.
func (t *target) remove(ctx context.Context, group string) error {
	left, err := t.had(ctx, group)
	if err != nil {
		return err
	}
	for _, r := range left.Sorted() {
		if r.At >= 0 {
			return nil
		}
	}
	if _, err := t.admin.DeleteGroup(ctx, group); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("delete group %s, which was not there before: %w", group, err)
	}
	return nil
}
