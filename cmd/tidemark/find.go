package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/find"
)

// findFlags are the flags of find.
type findFlags struct {
	topic, key, keysFile, from, to, partitioner string
	partitions                                  []int32
	complete, noIndex, timing                   bool
}

func findCommand(a *app) *cobra.Command {
	var f findFlags
	cmd := &cobra.Command{
		Use:   "find --topic T (--key K | --keys-file F)",
		Short: "Print every version of one record key, or of many",
		Long: `Print every version of one record key, or of many, without a restore.

Records are printed as cat prints them, with the segment that holds each of them
and its digest. Sealed key filters tell which blocks to open; those in state_dir
are used first, and what is read from the regions is added to them. Exit 1 if a
key is not in the archive.

Every partition is searched, unless --partition or --partitioner says where the
key must be. A wrong partitioner looks in the wrong place: what was searched is
printed when a key is not found, and with --json at the end in any case. It is
asked for every number of partitions that the topic had while it was archived.

With --keys-file the archive is read once for all keys. With --timing it is read
for one key after the other, and a line about each says what that took.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(a, cmd) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.topic, "topic", "", "the archived `topic`")
	fs.StringVar(&f.key, "key", "", "the record `key`, as it was written")
	fs.StringVar(&f.keysFile, "keys-file", "", "`file` with a key a line; - is the standard input")
	fs.StringVar(&f.from, "from", "", "only records at or after `TIME`")
	fs.StringVar(&f.to, "to", "", "only records at or before `TIME`")
	fs.Int32SliceVar(&f.partitions, "partition", nil, "only these partitions")
	fs.StringVar(&f.partitioner, "partitioner", "none", "how the producer chose the partition: murmur2 (Java, franz-go), crc32 (librdkafka), or none")
	fs.BoolVar(&f.complete, "complete", false, "list every name in the regions, though the index knows most")
	fs.BoolVar(&f.noIndex, "no-index", false, "use the regions alone, and leave the index as it is")
	fs.BoolVar(&f.timing, "timing", false, "search for one key after the other and tell what each took")
	_ = cmd.MarkFlagRequired("topic")
	cmd.MarkFlagsOneRequired("key", "keys-file")
	cmd.MarkFlagsMutuallyExclusive("key", "keys-file")
	return cmd
}

var partitioners = map[string]find.Partitioner{"none": nil, "murmur2": find.Murmur2, "crc32": find.CRC32}

func (f *findFlags) run(a *app, cmd *cobra.Command) error {
	o := find.Options{Partitions: f.partitions, Complete: f.complete}
	var known bool
	if o.Partitioner, known = partitioners[f.partitioner]; !known {
		return usage(fmt.Errorf("--partitioner %q: want murmur2, crc32 or none", f.partitioner))
	}
	var err error
	if o.From, err = parseTime(f.from); err != nil {
		return err
	}
	if o.To, err = parseTime(f.to); err != nil {
		return err
	}
	keys, err := f.keys(cmd.InOrStdin())
	if err != nil {
		return err
	}
	opened, err := a.open(cmd.Context(), wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	o.Report = a.reporter(cmd)
	if ends := opened.Ends; !f.noIndex {
		if x := ends(); x != nil {
			o.Index = x
		}
	}
	return f.search(cmd.Context(), opened.Cover, keys, o, a.json, cmd.OutOrStdout())
}

// keys are those to look for, each once, in their order.
func (f *findFlags) keys(stdin io.Reader) ([][]byte, error) {
	if f.keysFile == "" {
		return [][]byte{[]byte(f.key)}, nil
	}
	text, err := readInput(f.keysFile, stdin)
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

// hit is a record as cat prints it, and where it was found.
type hit struct {
	line
	Lineage string   `json:"lineage"`
	Segment string   `json:"segment"`
	Digest  string   `json:"digest"`
	Regions []string `json:"regions"`
}

// searched is the line that tells what a search did.
type searched struct {
	Searched struct {
		// Key is there when it was one key of many.
		Key        *string `json:"key,omitempty"`
		KeyBase64  []byte  `json:"key_base64,omitempty"`
		Keys       int     `json:"keys"`
		Found      int     `json:"found"`
		Records    int     `json:"records"`
		Partitions []int32 `json:"partitions"`
		Segments   int64   `json:"segments"`
		Blocks     int64   `json:"blocks"`
		Opened     int64   `json:"opened"`
		Again      int64   `json:"again"`
		ElapsedMS  float64 `json:"elapsed_ms"`
	} `json:"searched"`
}

// search looks for all keys in one pass, or with --timing in one pass each.
func (f *findFlags) search(ctx context.Context, a *cover.Archive, keys [][]byte, o find.Options, asJSON bool, stdout io.Writer) error {
	p := findPrinter{topic: f.topic, out: bufio.NewWriter(stdout), about: asJSON || f.timing, single: f.timing}
	passes := [][][]byte{keys}
	if f.timing {
		passes = nil
		for i := range keys {
			passes = append(passes, keys[i:i+1])
		}
	}
	for _, some := range passes {
		if err := p.pass(ctx, a, some, o); err != nil {
			return errors.Join(err, p.out.Flush())
		}
	}
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	return p.verdict()
}

// findPrinter prints what is found, and remembers what is not.
type findPrinter struct {
	topic         string
	out           *bufio.Writer
	about, single bool

	lost       []error
	missing    []string
	partitions []int32 // where those missing were looked for
}

func (p *findPrinter) pass(ctx context.Context, a *cover.Archive, keys [][]byte, o find.Options) error {
	stats := find.Stats{}
	o.Stats = &stats
	found, records, start := map[string]bool{}, 0, time.Now()
	for h, err := range find.Find(ctx, a, p.topic, keys, o) {
		if gone := (*cover.LostError)(nil); errors.As(err, &gone) {
			p.lost = append(p.lost, err)
			continue
		}
		if err != nil {
			return err
		}
		records++
		found[string(h.Record.Key)] = true
		if err := p.print(hitOf(h)); err != nil {
			return err
		}
	}
	elapsed := time.Since(start)
	for _, k := range keys {
		if !found[string(k)] {
			p.missing = append(p.missing, string(k))
			p.partitions = append(p.partitions, stats.Partitions...)
		}
	}
	if !p.about {
		return nil
	}
	var s searched
	s.Searched.Keys, s.Searched.Found, s.Searched.Records = len(keys), len(found), records
	s.Searched.Partitions, s.Searched.Segments = stats.Partitions, stats.Segments
	s.Searched.Blocks, s.Searched.Opened, s.Searched.Again = stats.Blocks, stats.Opened, stats.Again
	s.Searched.ElapsedMS = float64(elapsed.Microseconds()) / 1000
	if p.single {
		s.Searched.Key, s.Searched.KeyBase64 = textOrBytes(keys[0])
	}
	return p.print(s)
}

func (p *findPrinter) print(v any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	return nil
}

// verdict is the error of a search that did not find everything.
func (p *findPrinter) verdict() error {
	if len(p.lost) > 0 {
		return errors.Join(p.lost...)
	}
	slices.Sort(p.partitions)
	p.partitions = slices.Compact(p.partitions)
	where := fmt.Sprintf("searched %s: %s", plural(len(p.partitions), "partition"), someOf(p.partitions))
	switch n := len(p.missing); {
	case n == 1:
		return refused(fmt.Errorf("topic %s: no record has the key %q (%s)", p.topic, p.missing[0], where))
	case n > 1:
		return refused(fmt.Errorf("topic %s: no record has the key %q, nor have %s more (%s)", p.topic, p.missing[0], plural(n-1, "key"), where))
	}
	return nil
}

// someOf writes the first of a list of partitions.
func someOf(list []int32) string {
	const most = 8
	if len(list) == 0 {
		return "none"
	}
	text := fmt.Sprint(list[0])
	for _, n := range list[1:min(len(list), most)] {
		text += fmt.Sprintf(", %d", n)
	}
	if len(list) > most {
		text += ", …"
	}
	return text
}

func hitOf(h find.Hit) hit {
	out := hit{line: lineOf(h.Partition, h.Record), Lineage: h.Partition.Lineage.String()}
	if len(h.Origins) > 0 {
		out.Segment, out.Digest, out.Regions = h.Origins[0].Name.String(), h.Origins[0].Digest.String(), h.Origins[0].Regions
	}
	return out
}
