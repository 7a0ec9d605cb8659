package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/groups"
	"github.com/tidemark-io/tidemark/pipeline/marks"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// groupFlags say which consumer groups come back with the topics.
type groupFlags struct {
	groups       bool
	only         []string
	rename       []string
	rollbackFile string
}

func (f *groupFlags) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&f.groups, "groups", true, "put consumer groups where they were, in the restored topics; one that has members is left alone, and named")
	fs.StringArrayVar(&f.only, "group", nil, "only this consumer `group`, and no restore without it; may be repeated")
	fs.StringArrayVar(&f.rename, "rename-group", nil, "put group A's offsets into group B, as `A=B`; may be repeated")
	fs.StringVar(&f.rollbackFile, "rollback-file", "", "`file` that keeps what the groups had on the target before (default: below state_dir)")
}

// options are nil in Groups for all of them.
func (f *groupFlags) options() (groups.Options, error) {
	o := groups.Options{Groups: f.only, Rename: map[string]string{}}
	for _, pair := range f.rename {
		from, into, ok := strings.Cut(pair, "=")
		if !ok || from == "" || into == "" {
			return o, usage(fmt.Errorf("--rename-group %s: want A=B", pair))
		}
		o.Rename[from] = into
	}
	return o, nil
}

// groupsFollow says whether groups are looked at when the records are back: to
// see where each lands much of the archive may have to be read, and nobody
// should wait for the first record so long. Who wants to see them first, or names
// them, waits.
func (r *restoring) groupsFollow() bool {
	return r.groupFlags.groups && !r.planOnly && r.save == "" && len(r.only) == 0
}

// planGroups says where the groups of the newest mark at or before the moment
// go on. Groups that were not asked for by name and cannot be touched are left
// out, with a warning. It is nil where there is nothing to do.
func (r *restoring) planGroups(ctx context.Context, plan *keptPlan) error {
	if !r.groupFlags.groups {
		return nil
	}
	o, err := r.groupFlags.options()
	if err != nil {
		return err
	}
	mark, err := marks.At(ctx, r.archive.Cover, time.UnixMilli(plan.To), marks.Options{Topics: groups.Topics(plan.Plan)})
	var none *marks.NoMarkError
	if errors.As(err, &none) && len(o.Groups) == 0 {
		plan.warn("no consumer group comes back: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	if plan.Groups, err = groups.NewPlan(ctx, plan.Plan, r.source, mark, r.client, o); err != nil || len(o.Groups) > 0 {
		return err
	}
	return leaveOut(plan)
}

// bringGroups puts groups where they were, and returns the file that says where
// they had been. When groups follow, the plan is kept anew before any is touched.
func (r *restoring) bringGroups(ctx context.Context, plan *keptPlan) (rollback string, err error) {
	if plan.GroupsFollow {
		known := len(plan.Notes)
		if err := r.planGroups(ctx, plan); err != nil {
			return "", err
		}
		writeLines(r.cmd.ErrOrStderr(), "warning", plan.Notes[known:])
		plan.GroupsFollow = false
		if err := plan.keep(r.beside()); err != nil {
			return "", err
		}
	}
	if plan.Groups == nil {
		return "", nil
	}
	return r.rollbackIn(), groups.Apply(ctx, plan.Groups, r.client, r.rollbackIn())
}

// leaveOut takes the groups that are refused out of the plan, with a warning.
func leaveOut(plan *keptPlan) error {
	left, err := plan.Groups.LeaveOut()
	for _, g := range left {
		plan.warn("consumer group %s is left alone: %s", g.Into, g.Refusal)
	}
	if len(plan.Groups.Groups) == 0 {
		plan.Groups = nil
	}
	return err
}

// writeGroupPlan shows where each group lands: partition by partition where they
// are few, and else by topic.
func writeGroupPlan(w io.Writer, p *groups.Plan) error {
	if p == nil || len(p.Groups) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nConsumer groups, as of the mark of %s. %s\n\n", p.Mark.UTC().Format(time.RFC3339Nano), p.Rule)
	var rows [][]any
	for _, g := range p.Groups {
		for _, o := range g.Offsets {
			rows = append(rows, []any{g.Into, o.Into, o.Partition, o.Committed, o.Target, orDash(o.Lag), o.At.UTC().Format(time.RFC3339), string(o.Clamped)})
		}
	}
	header := []string{"group", "topic", "partition", "had committed", "goes on at", "was behind", "read at", "clamped"}
	if len(rows) > fewRows {
		rows, header = groupsByTopic(p), []string{"group", "topic", "partitions", "was behind", "clamped"}
		fmt.Fprintf(w, "More than %d lines: --json has every partition.\n\n", fewRows)
	}
	t := ui.NewTable(w, header...)
	for _, row := range rows {
		t.Row(row...)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range p.Shares {
		fmt.Fprintf(w, "share group %s: its position is not kept, and does not come back\n", s.Name)
	}
	writeLines(w, "warning", p.Warnings)
	return nil
}

// fewRows are what a person reads.
const fewRows = 60

func orDash(lag int64) any {
	if lag < 0 {
		return "-"
	}
	return lag
}

func groupsByTopic(p *groups.Plan) [][]any {
	type key struct{ group, topic string }
	type sum struct{ partitions, behind, clamped int64 }
	sums := map[key]*sum{}
	var order []key
	for _, g := range p.Groups {
		for _, o := range g.Offsets {
			k := key{g.Into, o.Into}
			if sums[k] == nil {
				sums[k] = &sum{}
				order = append(order, k)
			}
			sums[k].partitions++
			sums[k].behind += max(0, o.Lag)
			if o.Clamped != restore.Clamp("") {
				sums[k].clamped++
			}
		}
	}
	var rows [][]any
	for _, k := range order {
		s := sums[k]
		rows = append(rows, []any{k.group, k.topic, s.partitions, s.behind, s.clamped})
	}
	return slices.Clip(rows)
}
