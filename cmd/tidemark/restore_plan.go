package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// kept reads the plan that --save or --plan --json wrote.
func (r *restoring) kept() (*restore.Plan, error) {
	text, err := os.ReadFile(r.execute)
	if err != nil {
		return nil, usage(fmt.Errorf("read plan: %w", err))
	}
	var plan restore.Plan
	if err := json.Unmarshal(text, &plan); err != nil {
		return nil, usage(fmt.Errorf("read plan %s: %w", r.execute, err))
	}
	r.state, err = r.stateIn(r.archive.Config, plan.Request)
	return &plan, err
}

// show prints the plan and keeps it where --save says.
func (r *restoring) show(plan *restore.Plan) error {
	if err := r.app.print(r.cmd, plan, func(w io.Writer) error { return writePlan(w, plan) }); err != nil {
		return err
	}
	return plan.Refused()
}

func writePlan(w io.Writer, p *restore.Plan) error {
	fmt.Fprintf(w, "Restore to %s into cluster %s. %s\n\n", time.UnixMilli(p.To).UTC().Format(time.RFC3339Nano), p.Cluster, p.Rule)
	t := ui.NewTable(w, "topic", "into", "partitions", "segments", "records at most", "stored bytes", "gaps", "target")
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
		t.Row(topic.From, topic.Into, topic.PartitionCount, segments, records, ui.Bytes(bytes), gaps, target)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, topic := range p.Topics {
		for _, d := range topic.Differences {
			fmt.Fprintf(w, "%s: %s is %s, should be %s: %s\n", topic.Into, d.Setting, d.Have, d.Want, d.Effect)
		}
	}
	for _, topic := range p.Topics {
		for _, s := range topic.Settings {
			fmt.Fprintf(w, "%s: with --settings, %s=%s at the end. %s\n", topic.Into, s.Name, s.Value, s.Effect)
		}
	}
	for _, text := range p.Warnings {
		fmt.Fprintf(w, "warning: %s\n", text)
	}
	for _, r := range p.Refusals {
		fmt.Fprintf(w, "refused: %s\n", r.Text)
	}
	return nil
}
