package groups

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// target is the cluster that groups are put into.
type target struct{ admin *kadm.Client }

func newTarget(client *kgo.Client) *target { return &target{kadm.NewClient(client)} }

// inspect refuses groups that are not empty on the target.
func (p *Plan) inspect(ctx context.Context, t *target) error {
	listed, err := t.listed(ctx)
	if err != nil {
		return err
	}
	for i := range p.Groups {
		if g := &p.Groups[i]; g.Refusal == "" {
			g.Refusal = unfit(listed, g.Into)
		}
	}
	return nil
}

func (t *target) listed(ctx context.Context) (kadm.ListedGroups, error) {
	listed, err := t.admin.ListGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the target's consumer groups: %w", err)
	}
	return listed, nil
}

// unfit says why a group must not be touched: somebody reads in it, or it is not
// one with committed offsets. A group that is not there is fit.
func unfit(listed kadm.ListedGroups, name string) string {
	g, ok := listed[name]
	switch {
	case !ok:
		return ""
	case g.ProtocolType == "share":
		return "on the target it is a share group: restore it under another name"
	case g.State != "Empty" && g.State != "Dead" && g.State != "":
		return fmt.Sprintf("on the target it is in state %s: stop its consumers, or restore it under another name", g.State)
	}
	return ""
}

// had is what a group has committed on the target.
func (t *target) had(ctx context.Context, group string) (kadm.OffsetResponses, error) {
	found, err := t.admin.FetchOffsets(kadm.RequireStable(ctx), group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil
	}
	if err == nil {
		err = found.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("read the offsets of group %s: %w", group, err)
	}
	return found, nil
}

// checkCluster refuses a plan that was made for another cluster.
func (t *target) checkCluster(ctx context.Context, want string) error {
	m, err := t.admin.BrokerMetadata(ctx)
	if err != nil {
		return fmt.Errorf("ask the target who it is: %w", err)
	}
	if want != "" && m.Cluster != want {
		return fmt.Errorf("the target is cluster %q, the plan was made for %q", m.Cluster, want)
	}
	return nil
}

// checkEnds refuses to put a group where the restore has not come yet.
func (t *target) checkEnds(ctx context.Context, groups []Group) error {
	topics := map[string]bool{}
	var list []string
	for _, g := range groups {
		for _, o := range g.Offsets {
			if !topics[o.Into] {
				topics[o.Into] = true
				list = append(list, o.Into)
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	ends, err := t.admin.ListEndOffsets(ctx, list...)
	if err != nil {
		return fmt.Errorf("ask where the restored topics end: %w", err)
	}
	for _, g := range groups {
		for _, o := range g.Offsets {
			end, ok := ends.Lookup(o.Into, o.Partition)
			if ok && end.Err == nil && end.Offset >= o.Target {
				continue
			}
			if !ok || end.Err != nil {
				return fmt.Errorf("topic %s partition %d is not on the target: restore it first (%w)", o.Into, o.Partition, errors.Join(end.Err, ErrTargetGroup))
			}
			return fmt.Errorf("topic %s partition %d ends at offset %d, and group %s goes on at %d: finish the restore first", o.Into, o.Partition, end.Offset, g.Into, o.Target)
		}
	}
	return nil
}
