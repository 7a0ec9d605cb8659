package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/export"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// fileFlags say that a restore goes into files, not into Kafka.
type fileFlags struct {
	directory string
	format    string
}

func (f *fileFlags) flags(fs *pflag.FlagSet) {
	fs.StringVar(&f.directory, "to-files", "", "write files into an empty `directory` in place of Kafka; - is the standard output")
	fs.StringVar(&f.format, "format", "jsonl", "of the files: jsonl, csv, parquet, or log, which are segments of a Kafka log")
}

// files writes what the plan brings back into files, or to the standard output.
func (r *restoring) files(ctx context.Context, plan *keptPlan) error {
	format, err := export.ParseFormat(r.format)
	if err != nil {
		return usage(err)
	}
	line := r.app.progress(r.cmd, "restore")
	defer line.Done()
	o := export.Options{Dir: r.directory, Format: format, MaxRate: int64(r.maxRate), Progress: func(p restore.Progress) {
		line.Update("%d of at most %d records, %s, %d of %d partitions done", p.Records, p.MaxRecords, ui.Bytes(p.Bytes), p.Done, p.Partitions)
	}}
	if r.directory == "-" {
		if !format.Streams() {
			return usage(fmt.Errorf("--format %s cannot go to the standard output: name a directory", format))
		}
		o.Dir, o.Writer = "", r.cmd.OutOrStdout()
	}
	result, err := export.Run(ctx, plan.Plan, r.source, o)
	line.Done()
	if err != nil || o.Writer != nil {
		return err
	}
	return r.app.print(r.cmd, result, func(w io.Writer) error { return writeExport(w, result) })
}

func writeExport(w io.Writer, r export.Result) error {
	t := ui.NewTable(w, "topic", "partition", "records", "bytes", "files", "first offset", "last offset", "gaps")
	for _, p := range r.Partitions {
		t.Row(p.Into, p.Number, p.Records, ui.Bytes(p.Bytes), len(p.Files), p.FirstOffset, p.LastOffset, len(p.Gaps))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s came back; manifest.json names every file with its SHA-256.\n", plural(int(r.Records), "record"))
	return err
}
