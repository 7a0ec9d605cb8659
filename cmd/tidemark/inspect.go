package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
)

func inspectCommand(a *app) *cobra.Command {
	var kafkaLog string
	cmd := &cobra.Command{
		Use:   "inspect SEGMENT",
		Short: "Show what a segment holds, beside codec/FORMAT.md",
		Long: `Show what a segment holds, beside codec/FORMAT.md.

SEGMENT is an object's name, topics/…/….seg, or a file. Its signature is checked
against the pinned root. With --kafka-log the decrypted body is written as a
Kafka log segment, which Kafka's own kafka-dump-log reads; its file name should
be <base offset as 20 digits>.log.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opened, err := a.open(cmd.Context(), wire.ForProof)
			if err != nil {
				return err
			}
			defer opened.Close()
			return runInspect(cmd.Context(), a, opened, cmd, args[0], kafkaLog)
		},
	}
	cmd.Flags().StringVar(&kafkaLog, "kafka-log", "", "write the decrypted batches to `file`")
	return cmd
}

func runInspect(ctx context.Context, a *app, opened *wire.Archive, cmd *cobra.Command, name, kafkaLog string) error {
	data, err := fetchSegment(ctx, opened, name)
	if err != nil {
		return err
	}
	r, err := segment.Open(bytes.NewReader(data), int64(len(data)), opened.Trust)
	if err != nil {
		return refused(fmt.Errorf("inspect %s: %w", name, err))
	}
	if kafkaLog != "" {
		if err := writeKafkaLog(ctx, opened, r, kafkaLog); err != nil {
			return err
		}
	}
	v := inspection{Name: r.Name().String(), Digest: r.Digest(), Signer: r.Signer(), Size: r.Size(), Header: r.Header(), Footer: r.Footer()}
	return a.print(cmd, v, v.write)
}

// fetchSegment reads a file, or an object from the first region that has it.
func fetchSegment(ctx context.Context, a *wire.Archive, name string) ([]byte, error) {
	if _, err := names.ParseRange(name); err != nil {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, usage(fmt.Errorf("%q is neither a segment's name nor a file: %w", name, err))
		}
		return data, nil
	}
	var failed error
	for _, r := range a.Regions {
		data, err := r.Data.Get(ctx, name)
		if err == nil {
			return data, nil
		}
		failed = err
	}
	return nil, failed
}

// writeKafkaLog writes the batches of all blocks, one after the other: a valid
// Kafka log.
func writeKafkaLog(ctx context.Context, a *wire.Archive, r *segment.Reader, path string) error {
	secret, err := secretOf(ctx, a, r.Header())
	if err != nil {
		return err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write Kafka log: %w", err)
	}
	defer out.Close()
	for n := range r.Footer().Blocks {
		body, err := r.Block(n, secret, nil)
		if err != nil {
			return refused(err)
		}
		if _, err := out.Write(body); err != nil {
			return fmt.Errorf("write Kafka log: %w", err)
		}
	}
	return out.Close()
}

// secretOf asks the regions in turn.
func secretOf(ctx context.Context, a *wire.Archive, h segment.Header) (block.Secret, error) {
	var failed error
	for _, r := range a.Regions {
		secret, err := r.Ring.Secret(ctx, h.Page, h.Slot)
		if err == nil {
			return secret, nil
		}
		failed = err
	}
	return block.Secret{}, fmt.Errorf("find the secret of the segment: %w", failed)
}

// inspection is what inspect prints.
type inspection struct {
	Name   string         `json:"name"`
	Digest names.Digest   `json:"digest"`
	Signer names.SignerID `json:"signer"`
	Size   int64          `json:"size"`
	Header segment.Header `json:"header"`
	Footer segment.Footer `json:"footer"`
}

func (v inspection) write(w io.Writer) error {
	h, f := v.Header, v.Footer
	fmt.Fprintf(w, "%s\n\n", v.Name)
	t := ui.NewTable(w)
	t.Row("archive", h.Archive)
	t.Row("topic", h.Topic)
	t.Row("lineage", h.Lineage)
	t.Row("partition", h.Partition)
	t.Row("offsets", fmt.Sprintf("[%d, %d)", h.Base, f.Next))
	t.Row("records", f.Records)
	t.Row("batches", f.Batches)
	t.Row("bytes", fmt.Sprintf("%d stored, %d of batches", v.Size, f.Plain))
	t.Row("created", h.Created.UTC().Format(time.RFC3339Nano))
	if !h.RetainUntil.IsZero() {
		t.Row("retain until", h.RetainUntil.UTC().Format(time.RFC3339))
	}
	t.Row("key page, slot", fmt.Sprintf("%s, %d", h.Page, h.Slot))
	t.Row("digest", v.Digest)
	t.Row("previous", f.Prev)
	t.Row("signed by", v.Signer)
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return v.writeBlocks(w)
}

func (v inspection) writeBlocks(w io.Writer) error {
	t := ui.NewTable(w, "block", "position", "stored", "plain", "compression", "offsets", "batches", "records", "filter", "SHA-256")
	for i, b := range v.Footer.Blocks {
		t.Row(i, b.Position, b.Stored, b.Plain, b.Compression, fmt.Sprintf("[%d, %d)", b.Base, b.Next), b.Batches, b.Records, b.Filter.Length, b.SHA256.Short())
	}
	return t.Flush()
}
