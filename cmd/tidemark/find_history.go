package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/find"
)

const (
	// mostChanges is how many changes of one version a person is shown.
	mostChanges = 40
	// widestValue is how much of a value a person is shown, in characters.
	widestValue = 100
)

// versionLine is a hit with what it changed.
type versionLine struct {
	hit
	Version int           `json:"version"`
	What    find.What     `json:"what"`
	Op      string        `json:"op,omitempty"`
	Changes []find.Change `json:"changes"`
	Trouble string        `json:"trouble,omitempty"`
}

// together prints what had to be found first: histories, or records with
// their proofs.
func (p *findPrinter) together(ctx context.Context, keys [][]byte, o find.Options, hits []find.Hit) error {
	if p.flags.history && len(o.Where) > 0 {
		var err error
		if hits, err = p.whole(ctx, hits, o); err != nil {
			return err
		}
	}
	proofs, err := p.prove(ctx, hits)
	if err != nil {
		return err
	}
	if !p.flags.history {
		for i, h := range hits {
			out := hitOf(h)
			out.Proof = proofs[i]
			if err := p.print(out); err != nil {
				return err
			}
		}
		return nil
	}
	written := map[string]string{}
	for i, h := range hits {
		written[placeOf(h)] = proofs[i]
	}
	for _, h := range find.Histories(ctx, p.decoder, hits) {
		if err := p.history(h, written); err != nil {
			return err
		}
	}
	return nil
}

// whole is every version of the keys that records with a value in a field have.
func (p *findPrinter) whole(ctx context.Context, some []find.Hit, o find.Options) ([]find.Hit, error) {
	o.Where, o.Stats, o.Partitioner = nil, nil, nil
	var keys [][]byte
	var all []find.Hit
	seen := map[string]bool{}
	for _, h := range some {
		switch key := h.Record.Key; {
		case key == nil:
			all = append(all, h) // nothing tells what else belongs to it
		case !seen[string(key)]:
			seen[string(key)] = true
			keys = append(keys, key)
		}
	}
	for h, err := range p.hits(ctx, keys, o) {
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

func placeOf(h find.Hit) string { return fmt.Sprintf("%s\x00%d", h.Partition, h.Record.Offset) }

func (p *findPrinter) history(h find.History, proofs map[string]string) error {
	if !p.json {
		return writeHistory(p.out, h, proofs)
	}
	for _, v := range h.Versions {
		out := versionLine{hit: hitOf(v.Hit), Version: v.Number, What: v.What, Op: v.Op, Changes: v.Changes}
		out.Proof = proofs[placeOf(v.Hit)]
		if out.Changes == nil {
			out.Changes = []find.Change{}
		}
		if v.Trouble != nil {
			out.Trouble = v.Trouble.Error()
		}
		if err := p.print(out); err != nil {
			return err
		}
	}
	return nil
}

// writeHistory tells a person what became of one key.
func writeHistory(w io.Writer, h find.History, proofs map[string]string) error {
	_, err := fmt.Fprintf(w, "%s partition %d, topic id %s, %s: %s\n", h.Partition.Topic, h.Partition.Number,
		h.Partition.Lineage, keyText(h.Key), plural(len(h.Versions), "version"))
	for _, v := range h.Versions {
		writeVersion(w, v)
		if file := proofs[placeOf(v.Hit)]; file != "" {
			fmt.Fprintf(w, "      proof   %s\n", ui.Printable(file))
		}
	}
	if err == nil {
		_, err = fmt.Fprintln(w)
	}
	return err
}

func keyText(key []byte) string {
	if key == nil {
		return "null key"
	}
	if !utf8.Valid(key) {
		return fmt.Sprintf("key %x", key)
	}
	return "key " + ui.Printable(string(key))
}

func writeVersion(w io.Writer, v find.Version) {
	what := string(v.What)
	if v.Op != "" {
		what += " (op " + ui.Printable(v.Op) + ")"
	}
	fmt.Fprintf(w, "\n  %d  %s  offset %d  %s\n", v.Number, timeText(v.Record.Timestamp), v.Record.Offset, what)
	if v.Trouble != nil {
		fmt.Fprintf(w, "      not decoded, and compared as bytes: %s\n", ui.Printable(v.Trouble.Error()))
	}
	writeChanges(w, v.Changes)
	if len(v.Origins) > 0 {
		o := v.Origins[0]
		fmt.Fprintf(w, "      segment %s\n      digest  %s in %s\n", o.Name, o.Digest, strings.Join(o.Regions, ", "))
	}
}

// timeText writes Unix milliseconds for a person; any value is one.
func timeText(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return fmt.Sprintf("%d ms", ms)
	}
	return t.Format("2006-01-02T15:04:05.000Z07:00")
}

func writeChanges(w io.Writer, changes []find.Change) {
	t := ui.NewTable(w)
	for _, c := range changes[:min(len(changes), mostChanges)] {
		path := c.Path
		if path == "" {
			path = "(value)"
		}
		switch c.Kind {
		case find.Added:
			t.Row("    ", "+", path, shown(c.New))
		case find.Removed:
			t.Row("    ", "-", path, shown(c.Old))
		default:
			t.Row("    ", "~", path, shown(c.Old)+" → "+shown(c.New))
		}
	}
	_ = t.Flush() // the writer remembers its error
	if n := len(changes) - mostChanges; n > 0 {
		fmt.Fprintf(w, "      and %s more; --json prints them\n", plural(n, "change"))
	}
}

// shown is a value for a person, on one line and not too long.
func shown(v json.RawMessage) string {
	text := []rune(ui.Printable(string(v)))
	if len(text) > widestValue {
		return string(text[:widestValue]) + "…"
	}
	return string(text)
}
