package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/jsonline"
)

func catCommand(a *app) *cobra.Command {
	var s selection
	var from int64
	var to string
	cmd := &cobra.Command{
		Use:   "cat",
		Short: "Print archived records as JSON lines",
		Long: `Print archived records as JSON lines, with the field names of kcat -J.

Partitions come one after the other, each in offset order. A key, value or
header that is not UTF-8 is printed in base64 under key_base64, payload_base64
or headers_base64. With --to, only records with a timestamp at or before TIME.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			until, err := parseTime(to)
			if err != nil {
				return err
			}
			opened, err := a.open(cmd.Context(), wire.ForReading)
			if err != nil {
				return err
			}
			defer opened.Close()
			return runCat(cmd.Context(), opened, s, from, until, cmd.OutOrStdout(), a.reporter(cmd))
		},
	}
	s.flags(cmd)
	cmd.Flags().Int64Var(&from, "from", 0, "first offset")
	cmd.Flags().StringVar(&to, "to", "", "only records at or before `TIME`")
	return cmd
}

// parseTime reads an optional TIME.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := ui.ParseTime(text)
	if err != nil {
		return t, usage(err)
	}
	return t, nil
}

func runCat(ctx context.Context, a *wire.Archive, s selection, from int64, to time.Time, stdout io.Writer, report func(cover.Finding)) error {
	ps, err := s.partitions(ctx, a.Cover)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(stdout, 64<<10)
	for _, p := range ps {
		if err := catPartition(ctx, a.Cover, p, cover.ReadOptions{From: from, Report: report}, to, out); err != nil {
			return errors.Join(err, out.Flush()) // what was read before it is good
		}
	}
	return out.Flush()
}

// catPartition prints a partition: one goroutine reads, several make text of
// batches, this one writes it in order.
func catPartition(ctx context.Context, a *cover.Archive, p names.Partition, o cover.ReadOptions, to time.Time, out *bufio.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	pr := newPrinter(p, to)
	o.SkipBlock = pr.skip()
	pages, work := make(chan *page, catAhead), make(chan *page, catAhead)
	workers.Go(func() {
		defer close(pages)
		defer close(work)
		for piece, err := range a.Read(ctx, p, o) {
			pg := &page{piece: piece, err: err, done: make(chan struct{})}
			if !pg.begin(ctx, pages, work) || err != nil {
				return
			}
		}
	})
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() { pr.work(work) })
	}
	for pg := range pages {
		<-pg.done
		if pg.err != nil {
			return pg.err
		}
		if _, err := out.Write(*pg.text); err != nil {
			return err
		}
		pr.texts.Put(pg.text)
	}
	return ctx.Err()
}

// line is a record in the form of kcat -J.
type line = jsonline.Line

func lineOf(p names.Partition, rec recordbatch.Record, logAppendTime bool) line {
	return jsonline.Of(p.Topic, p.Number, rec, jsonline.TypeOf(logAppendTime))
}

// textOrBytes returns b as text if it is UTF-8, and both nil if it is null.
func textOrBytes(b []byte) (*string, []byte) { return jsonline.TextOrBytes(b) }
