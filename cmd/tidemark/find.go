package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/find"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// findFlags are the flags of find.
type findFlags struct {
	topic, key, keysFile, from, to, partitioner, proof string
	fields                                             []string
	partitions                                         []int32
	complete, noIndex, timing, history                 bool
}

const findHelp = `Print every version of one record key, or of many, without a restore.

Records are printed as cat prints them, with the segment that holds each of them
and its digest. Sealed filters tell which blocks to open; those in state_dir are
used first, and what is read from the regions is added to them. Exit 1 if what
was looked for is not in the archive.

With --field only records with this value in a field count. NAME is one of the
topic's fields in the configuration, or a path that begins with $. A text is
equal byte for byte; a number is, however it is written. Several values of one
field mean any of them; of several fields a record must meet each. Filters cover
the fields that were configured while a segment was sealed; every other block is
opened, so that nothing is missed. Values that cannot be read are counted.

With --history the versions of each key are compared with one another: what was
added, removed and changed, and from what to what; of Debezium's envelopes the
op, and what is in after. With --field that is the whole history of every key
that ever had the value. --json prints it as JSON lines with "changes".

With --proof FILE the record that was found is proven: the file holds what an
auditor needs beside the root's public key, and "tidemark verify --proof FILE"
checks it. It opens the block that holds the record, and so shows the other
records of that block (some hundred), and no other block. Name a directory, with
a slash at its end, to prove several records.

Every partition is searched, unless --partition or --partitioner says where the
key must be. A wrong partitioner looks in the wrong place: what was searched is
printed when a key is not found, and with --json at the end in any case. It is
asked for every number of partitions that the topic had while it was archived.

With --keys-file the archive is read once for all keys. With --timing it is read
for one key after the other, and a line about each says what that took.`

func findCommand(a *app) *cobra.Command {
	var f findFlags
	cmd := &cobra.Command{
		Use:     "find --topic T (--key K | --keys-file F | --field NAME=VALUE)",
		Short:   "Print every version of a record, found by its key or by fields of its value",
		Long:    findHelp,
		Example: "  tidemark find --topic orders --key order-17 --history\n  tidemark find --topic orders --field customer=42 --from 2026-03-01T00:00:00Z\n  tidemark find --topic orders --field '$.items.sku=SKU-7' --json\n  tidemark find --topic orders --key order-17 --proof proofs/",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(a, cmd) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.topic, "topic", "", "the archived `topic`")
	fs.StringVar(&f.key, "key", "", "the record `key`, as it was written")
	fs.StringVar(&f.keysFile, "keys-file", "", "`file` with a key a line; - is the standard input")
	fs.StringArrayVar(&f.fields, "field", nil, "only records with this value in a field, as `NAME=VALUE`; may be repeated")
	fs.StringVar(&f.from, "from", "", "only records at or after `TIME`")
	fs.StringVar(&f.to, "to", "", "only records at or before `TIME`")
	fs.Int32SliceVar(&f.partitions, "partition", nil, "only these partitions")
	fs.StringVar(&f.partitioner, "partitioner", "none", "how the producer chose the partition: murmur2 (Java, franz-go), crc32 (librdkafka), or none")
	fs.BoolVar(&f.history, "history", false, "say what each version changed")
	fs.StringVar(&f.proof, "proof", "", "write a proof of what was found to this `file`, or of each record into a directory")
	fs.BoolVar(&f.complete, "complete", false, "list every name in the regions, though the index knows most")
	fs.BoolVar(&f.noIndex, "no-index", false, "use the regions alone, and leave the index as it is")
	fs.BoolVar(&f.timing, "timing", false, "search for one key after the other and tell what each took")
	_ = cmd.MarkFlagRequired("topic")
	cmd.MarkFlagsOneRequired("key", "keys-file", "field")
	cmd.MarkFlagsMutuallyExclusive("key", "keys-file")
	for _, other := range []string{"field", "history", "proof"} {
		cmd.MarkFlagsMutuallyExclusive("timing", other)
	}
	return cmd
}

var partitioners = map[string]find.Partitioner{"none": nil, "murmur2": find.Murmur2, "crc32": find.CRC32}

func (f *findFlags) run(a *app, cmd *cobra.Command) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	o, err := f.options(cfg)
	if err != nil {
		return err
	}
	keys, err := f.keys(cmd)
	if err != nil {
		return err
	}
	if err := f.checkProof(); err != nil {
		return err
	}
	opened, err := a.open(cmd.Context(), wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	schemas, err := opened.Schemas(time.Time{})
	if err != nil {
		return err
	}
	o.Report, o.Trees = a.reporter(cmd), wire.FieldTrees(cmd.Context(), schemas)
	if ends := opened.Ends; !f.noIndex {
		if x := ends(); x != nil {
			o.Index = x
		}
	}
	p := newFindPrinter(f, a, cmd.OutOrStdout(), opened)
	p.decoder = &values.Decoder{Schemas: schemas}
	return p.search(cmd.Context(), keys, o)
}

// options are those that need no archive.
func (f *findFlags) options(cfg *config.Config) (find.Options, error) {
	o := find.Options{Partitions: f.partitions, Complete: f.complete}
	var known bool
	if o.Partitioner, known = partitioners[f.partitioner]; !known {
		return o, usage(fmt.Errorf("--partitioner %q: want murmur2, crc32 or none", f.partitioner))
	}
	if o.Partitioner != nil && len(f.fields) > 0 && f.key == "" && f.keysFile == "" {
		return o, usage(fmt.Errorf("--partitioner %s: want --key or --keys-file: it tells where a key is, not a field", f.partitioner))
	}
	var err error
	if o.From, err = parseTime(f.from); err != nil {
		return o, err
	}
	if o.To, err = parseTime(f.to); err != nil {
		return o, err
	}
	o.Where, err = conditions(cfg, f.topic, f.fields)
	return o, err
}

// keys are those to look for, each once, in their order; none with --field
// alone.
func (f *findFlags) keys(cmd *cobra.Command) ([][]byte, error) {
	switch {
	case cmd.Flags().Changed("key"):
		return [][]byte{[]byte(f.key)}, nil
	case f.keysFile == "":
		return nil, nil
	}
	text, err := readInput(f.keysFile, cmd.InOrStdin())
	if err != nil {
		return nil, usage(fmt.Errorf("read keys: %w", err))
	}
	var keys [][]byte
	seen := map[string]bool{}
	for line := range bytes.Lines(text) {
		key := bytes.TrimRight(line, "\r\n")
		if len(key) > 0 && !seen[string(key)] {
			seen[string(key)] = true
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, usage(fmt.Errorf("read keys: %s has none", f.keysFile))
	}
	return keys, nil
}

func readInput(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}

// search looks for all keys in one pass, or with --timing in one pass each.
func (p *findPrinter) search(ctx context.Context, keys [][]byte, o find.Options) error {
	passes := [][][]byte{keys}
	if p.flags.timing {
		passes = nil
		for i := range keys {
			passes = append(passes, keys[i:i+1])
		}
	}
	for _, some := range passes {
		if err := p.pass(ctx, some, o); err != nil {
			return p.flushed(err)
		}
	}
	if err := p.flushed(nil); err != nil {
		return err
	}
	return p.verdict()
}
