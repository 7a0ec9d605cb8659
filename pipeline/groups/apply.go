package groups

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Apply commits the offsets of a plan on the target, whose restored topics must
// be complete. The order is
//
//	look → rollback file → commit group by group → read back → note it in the file
//
// and what exists after a crash
//
//	before the file: nothing
//	after it: some groups with their new offsets; the same call goes on, and the
//	          file still says what the target had before the first
//	after the note: all of it; the same call does nothing
//
// A group that is not empty is never touched: its members would overwrite what
// is committed. Where one is, or the plan refuses one, nothing is written. An
// offset is committed without generation and leader epoch, with the metadata
// that it had.
func Apply(ctx context.Context, p *Plan, client *kgo.Client, rollbackFile string) error {
	if err := p.Check(); err != nil {
		return err
	}
	if err := p.Refused(); err != nil {
		return err
	}
	t := newTarget(client)
	before, done, err := prepare(ctx, p, t, rollbackFile)
	if err != nil {
		return fmt.Errorf("restore consumer groups: %w", err)
	}
	if done {
		return nil
	}
	for _, g := range p.Groups {
		if err := t.put(ctx, g.Into, g.offsets()); err != nil {
			return fmt.Errorf("restore consumer groups: %w", err)
		}
	}
	now := time.Now().UTC()
	before.Applied = &now
	return before.save(rollbackFile)
}

// prepare looks at the target, and writes down what it has unless an earlier run
// did.
func prepare(ctx context.Context, p *Plan, t *target, file string) (*Before, bool, error) {
	before, err := loadFor(file, p)
	if err != nil {
		return nil, false, err
	}
	if before != nil && before.Applied != nil {
		return before, true, nil
	}
	if err := t.checkCluster(ctx, p.Cluster); err != nil {
		return nil, false, err
	}
	if err := t.checkEnds(ctx, p.Groups); err != nil {
		return nil, false, err
	}
	looked := *p
	looked.Groups = append([]Group{}, p.Groups...)
	if err := looked.inspect(ctx, t); err != nil {
		return nil, false, err
	}
	if err := looked.Refused(); err != nil {
		return nil, false, err
	}
	if before == nil {
		if before, err = t.before(ctx, p); err != nil {
			return nil, false, err
		}
		err = before.save(file)
	}
	return before, false, err
}

func (g Group) offsets() kadm.Offsets {
	out := kadm.Offsets{}
	for _, o := range g.Offsets {
		out.Add(kadm.Offset{Topic: o.Into, Partition: o.Partition, At: o.Target, LeaderEpoch: -1, Metadata: o.Metadata})
	}
	return out
}

// put commits offsets and reads them back.
func (t *target) put(ctx context.Context, group string, offsets kadm.Offsets) error {
	if len(offsets) == 0 {
		return nil
	}
	answer, err := t.admin.CommitOffsets(ctx, group, offsets)
	if err == nil {
		err = answer.Error()
	}
	if err != nil {
		return fmt.Errorf("commit the offsets of group %s: %w", group, err)
	}
	return t.compare(ctx, group, offsets)
}

// compare reads a group's offsets back.
func (t *target) compare(ctx context.Context, group string, want kadm.Offsets) error {
	found, err := t.had(ctx, group)
	if err != nil {
		return err
	}
	for topic, ps := range want {
		for n, w := range ps {
			got, ok := found.Lookup(topic, n)
			if !ok || got.At != w.At || got.Metadata != w.Metadata {
				return fmt.Errorf("group %s, topic %s partition %d: offset %d was committed, and %d is read back: is somebody else using the group?",
					group, topic, n, w.At, got.At)
			}
		}
	}
	return nil
}
