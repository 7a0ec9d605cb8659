package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/find"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// hit is a record as cat prints it, and where it was found.
type hit struct {
	line
	Lineage string   `json:"lineage"`
	Segment string   `json:"segment"`
	Digest  string   `json:"digest"`
	Regions []string `json:"regions"`
	// Proof is the file that --proof wrote.
	Proof string `json:"proof,omitempty"`
}

func hitOf(h find.Hit) hit {
	out := hit{line: lineOf(h.Partition, h.Record, h.LogAppendTime), Lineage: h.Partition.Lineage.String()}
	if len(h.Origins) > 0 {
		out.Segment, out.Digest, out.Regions = h.Origins[0].Name.String(), h.Origins[0].Digest.String(), h.Origins[0].Regions
	}
	return out
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
		// Unread are records whose values could not be read, with --field.
		Unread    int64   `json:"unread,omitempty"`
		Again     int64   `json:"again"`
		ElapsedMS float64 `json:"elapsed_ms"`
	} `json:"searched"`
}

// findPrinter prints what is found, and remembers what is not.
type findPrinter struct {
	flags  *findFlags
	opened *wire.Archive
	out    *bufio.Writer
	log    *slog.Logger
	json   bool
	// decoder is for histories.
	decoder *values.Decoder

	records    int
	lost       []error
	missing    []string
	partitions []int32 // where those missing were looked for
}

func newFindPrinter(f *findFlags, a *app, out io.Writer, opened *wire.Archive) *findPrinter {
	return &findPrinter{flags: f, opened: opened, out: bufio.NewWriter(out), log: a.log, json: a.json}
}

// about reports whether a line tells what each pass did.
func (p *findPrinter) about() bool { return p.json || p.flags.timing }

// collects reports whether records are printed together, when all were found.
func (p *findPrinter) collects() bool { return p.flags.history || p.flags.proof != "" }

func (p *findPrinter) pass(ctx context.Context, keys [][]byte, o find.Options) error {
	stats := find.Stats{}
	o.Stats = &stats
	found, records, start := map[string]bool{}, 0, time.Now()
	var all []find.Hit
	for h, err := range p.hits(ctx, keys, o) {
		if err != nil {
			return err
		}
		records++
		found[string(h.Record.Key)] = true
		if p.collects() {
			all = append(all, h)
		} else if err := p.print(hitOf(h)); err != nil {
			return err
		}
	}
	if p.collects() {
		if err := p.together(ctx, keys, o, all); err != nil {
			return err
		}
	}
	p.records += records
	p.miss(keys, found, &stats)
	if !p.about() {
		return nil
	}
	s := searchedOf(&stats, time.Since(start))
	s.Searched.Keys, s.Searched.Found, s.Searched.Records = len(keys), len(found), records
	if p.flags.timing {
		s.Searched.Key, s.Searched.KeyBase64 = textOrBytes(keys[0])
	}
	return p.print(s)
}

// hits is a search whose losses are kept for the end.
func (p *findPrinter) hits(ctx context.Context, keys [][]byte, o find.Options) func(yield func(find.Hit, error) bool) {
	return func(yield func(find.Hit, error) bool) {
		for h, err := range find.Find(ctx, p.opened.Cover, p.flags.topic, keys, o) {
			if gone := (*cover.LostError)(nil); errors.As(err, &gone) {
				p.lost = append(p.lost, err)
				continue
			}
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// miss remembers what a pass did not find, and tells of what it could not read.
func (p *findPrinter) miss(keys [][]byte, found map[string]bool, stats *find.Stats) {
	if len(keys) == 0 && len(found) == 0 {
		p.partitions = append(p.partitions, stats.Partitions...)
	}
	for _, k := range keys {
		if !found[string(k)] {
			p.missing = append(p.missing, string(k))
			p.partitions = append(p.partitions, stats.Partitions...)
		}
	}
	if stats.Unread > 0 {
		p.log.Warn("the values of some records could not be read, and were not compared", "topic", p.flags.topic, "records", stats.Unread)
	}
}

func searchedOf(stats *find.Stats, elapsed time.Duration) searched {
	var s searched
	s.Searched.Partitions, s.Searched.Segments = stats.Partitions, stats.Segments
	s.Searched.Blocks, s.Searched.Opened, s.Searched.Again = stats.Blocks, stats.Opened, stats.Again
	s.Searched.Unread, s.Searched.ElapsedMS = stats.Unread, float64(elapsed.Microseconds())/1000
	return s
}

func (p *findPrinter) print(v any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	return nil
}

// flushed writes out what is printed: what was found before an error is good.
func (p *findPrinter) flushed(err error) error {
	if flush := p.out.Flush(); flush != nil {
		return errors.Join(err, fmt.Errorf("print result: %w", flush))
	}
	return err
}

// verdict is the error of a search that did not find everything.
func (p *findPrinter) verdict() error {
	if len(p.lost) > 0 {
		return errors.Join(p.lost...)
	}
	slices.Sort(p.partitions)
	p.partitions = slices.Compact(p.partitions)
	where := fmt.Sprintf("searched %s: %s", plural(len(p.partitions), "partition"), someOf(p.partitions))
	with := ""
	if len(p.flags.fields) > 0 {
		with = " with " + strings.Join(p.flags.fields, " and ")
	}
	switch n := len(p.missing); {
	case n == 1:
		return refused(fmt.Errorf("topic %s: no record%s has the key %q (%s)", p.flags.topic, with, p.missing[0], where))
	case n > 1:
		return refused(fmt.Errorf("topic %s: no record%s has the key %q, nor have %s more (%s)", p.flags.topic, with, p.missing[0], plural(n-1, "key"), where))
	case p.records == 0:
		return refused(fmt.Errorf("topic %s: there is no record%s (%s)", p.flags.topic, with, where))
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
