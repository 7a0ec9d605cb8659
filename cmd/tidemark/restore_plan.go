package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/acls"
	"github.com/tidemark-io/tidemark/pipeline/durable"
	"github.com/tidemark-io/tidemark/pipeline/groups"
	"github.com/tidemark-io/tidemark/pipeline/registry"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// keptPlan is all that a restore is going to do: what --plan shows, --save keeps
// and --execute does.
type keptPlan struct {
	*restore.Plan
	// Settings says that the source's settings are a last step.
	Settings bool `json:"apply_settings,omitempty"`
	// Groups is nil where no consumer group comes back.
	Groups *groups.Plan `json:"groups,omitempty"`
	// GroupsFollow says that groups are planned when the records are back.
	GroupsFollow bool `json:"groups_follow,omitempty"`
	// Schemas and ACLs are nil unless they were asked for.
	Schemas *registry.Plan `json:"schemas,omitempty"`
	ACLs    *acls.Plan     `json:"acls,omitempty"`
	// Notes are warnings about what comes with the topics.
	Notes []string `json:"notes,omitempty"`
}

func (p *keptPlan) warn(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// refused is why the plan is not executed.
func (p *keptPlan) refused() error {
	errs := []error{p.Refused(), p.refusedWith()}
	if p.Groups != nil {
		errs = append(errs, p.Groups.Refused())
	}
	return errors.Join(errs...)
}

// plan is the one that is kept in a file, the one that an interrupted restore
// began with, or a new one.
func (r *restoring) plan(ctx context.Context) (*keptPlan, error) {
	if r.execute != "" {
		return r.kept()
	}
	req, err := r.request(ctx, r.archive.Cover, r.cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	if r.client == nil {
		plan, err := restore.NewPlan(ctx, r.source, req, nil)
		return &keptPlan{Plan: plan}, err
	}
	req.SourceCluster = r.sourceCluster(ctx)
	if r.state, err = r.stateIn(r.archive.Config, req); err != nil {
		return nil, err
	}
	if begun, err := restore.Unfinished(r.state, req); err != nil || begun != nil {
		return r.begunWith(begun, err)
	}
	plan, err := restore.NewPlan(ctx, r.source, req, r.client)
	if err != nil {
		return nil, err
	}
	all := &keptPlan{Plan: plan, Settings: r.settings}
	if plan.Refused() != nil {
		return all, nil
	}
	if err := r.planWith(ctx, all); err != nil {
		return nil, err
	}
	if all.GroupsFollow = r.groupsFollow(); all.GroupsFollow {
		return all, nil
	}
	return all, r.planGroups(ctx, all)
}

// kept reads the plan that --save or --plan --json wrote.
func (r *restoring) kept() (*keptPlan, error) {
	plan, err := readPlan(r.execute)
	if err != nil {
		return nil, usage(err)
	}
	r.state, err = r.stateIn(r.archive.Config, plan.Request)
	return plan, err
}

func readPlan(file string) (*keptPlan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	plan := keptPlan{Plan: &restore.Plan{}}
	if err := json.Unmarshal(text, &plan); err != nil {
		return nil, fmt.Errorf("read plan %s: %w", file, err)
	}
	err = plan.Check()
	if err == nil && plan.Groups != nil {
		err = plan.Groups.Check()
	}
	if err != nil {
		return nil, fmt.Errorf("read plan %s: %w", file, err)
	}
	return &plan, nil
}

// beside is where an interrupted restore finds what comes with the topics.
func (r *restoring) beside() string { return r.state + ".plan" }

// begunWith finds the whole plan of an interrupted restore.
func (r *restoring) begunWith(plan *restore.Plan, err error) (*keptPlan, error) {
	if err != nil {
		return nil, err
	}
	whole, err := readPlan(r.beside())
	switch {
	case errors.Is(err, fs.ErrNotExist): // a crash between the two files: no group was touched
		return &keptPlan{Plan: plan, Settings: r.settings, GroupsFollow: r.groupsFollow()}, nil
	case err != nil:
		return nil, err
	case whole.Digest != plan.Digest:
		return nil, fmt.Errorf("%s belongs to another restore than %s: remove the first, and no consumer group comes back", r.beside(), r.state)
	}
	if !r.groupFlags.groups {
		whole.Groups, whole.GroupsFollow = nil, false
	}
	return whole, nil
}

// keep writes the whole plan down.
func (p *keptPlan) keep(file string) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err == nil {
		err = durable.Replace(file, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("keep plan: %w", err)
	}
	return nil
}

// show prints the plan and keeps it where --save says.
func (r *restoring) show(plan *keptPlan) error {
	if r.save != "" {
		if err := plan.keep(r.save); err != nil {
			return err
		}
	}
	if err := r.app.print(r.cmd, plan, func(w io.Writer) error { return writePlan(w, plan) }); err != nil {
		return err
	}
	return plan.refused()
}

func writePlan(w io.Writer, p *keptPlan) error {
	target := "nowhere in Kafka"
	if p.Cluster != "" {
		target = "cluster " + p.Cluster
	}
	fmt.Fprintf(w, "Restore to %s into %s: %s.\n\n", time.UnixMilli(p.To).UTC().Format(time.RFC3339Nano), target, p.Rule)
	if err := writeTopics(w, p.Plan); err != nil {
		return err
	}
	if p.Cluster != "" {
		fmt.Fprintf(w, "\nAbout %s at %.0f records and %s of stored bytes a second, as measured on two cores that the broker shared.\n",
			p.Estimate(restore.DefaultPace).Round(time.Second), restore.DefaultPace.RecordsPerSecond, ui.Bytes(int64(restore.DefaultPace.BytesPerSecond)))
	}
	writeDetails(w, p.Plan)
	if err := writeGroupPlan(w, p.Groups); err != nil {
		return err
	}
	writeWith(w, p)
	writeLines(w, "warning", slices.Concat(p.Warnings, p.Notes))
	for _, r := range p.Refusals {
		fmt.Fprintf(w, "refused: %s\n", r.Text)
	}
	return nil
}

// writeTopics shows a line a topic.
func writeTopics(w io.Writer, p *restore.Plan) error {
	t := ui.NewTable(w, "topic", "into", "partitions", "segments", "records at most", "stored bytes", "gaps", "from", "target")
	for _, topic := range p.Topics {
		segments, records, bytes, gaps := 0, int64(0), int64(0), 0
		for _, part := range topic.Partitions {
			segments += len(part.Segments)
			records += part.MaxRecords
			bytes += part.MaxBytes
			gaps += len(part.Gaps)
		}
		target := "exists"
		if topic.Create {
			target = "is created"
		}
		if p.Cluster == "" {
			target = "-"
		}
		t.Row(topic.From, topic.Into, topic.PartitionCount, segments, records, ui.Bytes(bytes), gaps, regionsOf(topic), target)
	}
	return t.Flush()
}

// doubtText names a transaction that may or may not belong before the moment.
func doubtText(d restore.Doubt) string {
	text := fmt.Sprintf("producer %d, epoch %d: %s", d.Producer, d.Epoch, d.Why)
	for _, p := range d.Parts {
		text += fmt.Sprintf("; topic %s partition %d offsets [%d, %d)", p.Topic, p.Partition, p.Base, p.Next)
		if p.Marker != 0 {
			text += ", committed " + time.UnixMilli(p.Marker).UTC().Format(time.RFC3339Nano)
		}
	}
	if d.In {
		return text + ": --force brings it back"
	}
	return text + ": --force leaves it out"
}

// regionsOf tells how many of a topic's segments come from each region, and how
// many the others lack.
func regionsOf(t restore.TopicPlan) string {
	var order []string
	reads, lacks := map[string]int{}, map[string]int{}
	for _, part := range t.Partitions {
		for _, r := range part.Regions {
			if !slices.Contains(order, r.Region) {
				order = append(order, r.Region)
			}
			reads[r.Region] += r.First
			lacks[r.Region] += r.Missing
		}
	}
	var texts []string
	for _, region := range order {
		text := fmt.Sprintf("%s %d", region, reads[region])
		if n := lacks[region]; n > 0 {
			text += fmt.Sprintf(" (lacks %d)", n)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// writeDetails tells of other lives, doubts and gaps, of what the target has
// otherwise, and of what the source's settings would do.
func writeDetails(w io.Writer, p *restore.Plan) {
	for _, d := range p.Doubts {
		fmt.Fprintf(w, "doubtful: %s\n", doubtText(d))
	}
	for _, topic := range p.Topics {
		for _, l := range topic.Lives {
			fmt.Fprintf(w, "%s: another life, %s, was seen from %s to %s: --lineage %s=%s takes it\n", topic.From, l.ID,
				l.First.UTC().Format(time.RFC3339), l.Last.UTC().Format(time.RFC3339), topic.From, l.ID)
		}
		for _, part := range topic.Partitions {
			for _, g := range part.Gaps {
				fmt.Fprintf(w, "%s partition %d: the offsets [%d, %d) are missing: %s\n", topic.From, part.Number, g.Base, g.Next, g.Reason)
			}
		}
		for _, d := range topic.Differences {
			fmt.Fprintf(w, "%s: %s is %s, should be %s: %s\n", topic.Into, d.Setting, d.Have, d.Want, d.Effect)
		}
		for _, s := range topic.Settings {
			fmt.Fprintf(w, "%s: with --settings, %s=%s at the end. %s\n", topic.Into, s.Name, s.Value, s.Effect)
		}
	}
}
