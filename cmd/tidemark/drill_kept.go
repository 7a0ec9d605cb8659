package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/drill"
)

// keptDrill is a drill in a list.
type keptDrill struct {
	Name   string        `json:"name"`
	Result *drill.Result `json:"result,omitempty"`
	// Error says why the document does not count.
	Error string `json:"error,omitempty"`
}

func listDrills(cmd *cobra.Command, a *app) error {
	opened, err := a.open(cmd.Context(), wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	entries, err := documents.List(cmd.Context(), opened.Cover, names.FolderDrills, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	list := make([]keptDrill, 0, len(entries))
	var bad []error
	for _, e := range entries {
		one := keptDrill{Name: path.Base(e.String()), Result: &drill.Result{}}
		if err := documents.Read(cmd.Context(), opened.Cover, e, one.Result); err != nil {
			one.Result, one.Error = nil, err.Error()
			bad = append(bad, err)
		}
		list = append(list, one)
	}
	if err := a.print(cmd, list, func(w io.Writer) error { return writeDrills(w, list) }); err != nil {
		return err
	}
	return errors.Join(bad...)
}

func writeDrills(w io.Writer, list []keptDrill) error {
	t := ui.NewTable(w, "when", "outcome", "sample", "without", "records", "compared", "first record", "recovery point", "findings", "file")
	for _, d := range list {
		r := d.Result
		if r == nil {
			t.Row("", "unreadable", "", "", "", "", "", "", "", d.Name)
			continue
		}
		t.Row(r.Started.Format(time.DateTime), r.Outcome, fmt.Sprintf("%d of %d", r.Sample.Segments, r.Sample.Of), r.Without, r.Totals.Records,
			r.Compared(), inMS(r.Recovery.FirstMS), pointOf(r), r.FindingCount, d.Name)
	}
	return t.Flush()
}

func showDrill(cmd *cobra.Command, a *app, f drillFlags) error {
	opened, err := a.open(cmd.Context(), wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	entries, err := documents.List(cmd.Context(), opened.Cover, names.FolderDrills, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	var found []documents.Entry
	for _, e := range entries {
		if path.Base(e.String()) == path.Base(f.show) || strings.HasPrefix(e.Digest.String(), f.show) {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		return refused(fmt.Errorf("--show %s: %s of that name or digest: see drill --list", f.show, plural(len(found), "drill")))
	}
	e, err := readEvidence(cmd.Context(), opened, found[0])
	if err != nil {
		return err
	}
	return f.tell(cmd, a, e)
}

// readEvidence reads the file of a drill from the first region whose copy is
// genuine.
func readEvidence(ctx context.Context, opened *wire.Archive, of documents.Entry) (*drill.Evidence, error) {
	var reasons []error
	for _, p := range of.File.Places {
		file, err := opened.Cover.ReadFile(ctx, p.Region, of.File.Name)
		if err == nil {
			return drill.Check(file, opened.Trust)
		}
		reasons = append(reasons, err)
	}
	return nil, errors.Join(reasons...)
}

// checkDrill proves a file with what the configuration pins: no region is asked.
func checkDrill(cmd *cobra.Command, a *app, name string) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	trust, err := wire.Trust(cfg)
	if err != nil {
		return err
	}
	file, err := readBounded(name, signed.MaxFile)
	if err != nil {
		return usage(err)
	}
	e, err := drill.Check(file, trust)
	if err != nil {
		return refused(fmt.Errorf("%s: %w", name, err))
	}
	return a.print(cmd, e.Result, func(w io.Writer) error {
		fmt.Fprintf(w, "Signed by %s, whom the root of archive %s introduced. SHA-256 begins with %s.\n", e.Name.Writer, e.Result.Archive, e.Name.Digest)
		return writeDrill(w, e)
	})
}

// readBounded reads a file that must not be longer than so many bytes.
func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(file)) > most {
		err = fmt.Errorf("%s is longer than the result of a drill can be", name)
	}
	return file, err
}

func printDrill(cmd *cobra.Command, a *app, e *drill.Evidence) error {
	return a.print(cmd, e.Result, func(w io.Writer) error { return writeDrill(w, e) })
}

// writeEvidence writes the signed file as it is in the archive, and the page.
func writeEvidence(w io.Writer, dir string, e *drill.Evidence) error {
	base := "drill-" + e.Result.Started.Format("20060102T150405.000Z")
	if e.File != nil {
		name := path.Base(e.Name.String())
		if err := os.WriteFile(filepath.Join(dir, name), e.File, 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		fmt.Fprintln(w, "wrote", filepath.Join(dir, name))
		base = strings.TrimSuffix(name, ".json")
	}
	page, err := os.Create(filepath.Join(dir, base+".html"))
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := errors.Join(e.HTML(page), page.Close()); err != nil {
		return err
	}
	fmt.Fprintln(w, "wrote", page.Name())
	return nil
}

// writeDrill tells a person of a drill.
func writeDrill(w io.Writer, e *drill.Evidence) error {
	r := e.Result
	fmt.Fprintf(w, "Drill of %s: %s\n\n", r.Started.Format(time.RFC3339), strings.ToUpper(string(r.Outcome)))
	t := ui.NewTable(w, "partition", "offsets", "segments", "copies", "came back", "by digest", "with source", "with target", "gone", "findings", "recovery point")
	for _, p := range r.Partitions {
		if p.Offsets == nil && p.Lag == nil {
			continue
		}
		offsets, lag := "", ""
		if p.Offsets != nil {
			offsets = p.Offsets.String()
		}
		if p.Lag != nil {
			lag = fmt.Sprintf("%s, %d offsets", inMS(p.Lag.MS), p.Lag.Offsets)
		}
		t.Row(fmt.Sprintf("%s/%d", p.Topic, p.Partition), offsets, p.Counts.Segments, p.Copies, p.Records, p.Sealed, p.Counts.Source, p.Counts.Target,
			p.Expired+p.Compacted+p.Beyond, p.Counts.Findings, lag)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	writeDrillTimes(w, r)
	if err := writeFindings(w, r.Findings); err != nil {
		return err
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", ui.Printable(n))
	}
	if e.File == nil {
		_, err := fmt.Fprintln(w, "Neither signed nor kept.")
		return err
	}
	_, err := fmt.Fprintf(w, "Signed: %s\n", e.Name)
	return err
}

func writeDrillTimes(w io.Writer, r *drill.Result) {
	where := "to nowhere"
	if r.Target.Kind != "nowhere" {
		where = "to scratch topics of cluster " + r.Target.Cluster
	}
	used := "regions " + strings.Join(r.Regions, " and ")
	if r.Without != "" {
		used += ", without " + r.Without
	}
	fmt.Fprintf(w, "\n%d of %s (%s) restored %s from %s, chosen by seed %d.\n", r.Sample.Segments, plural(r.Sample.Of, "segment"), ui.Bytes(r.Sample.StoredBytes), where, used, r.Sample.Seed)
	fmt.Fprintf(w, "First record back after %s, all %s after %s (plan: %s).\n", inMS(r.Recovery.FirstMS), plural(int(r.Recovery.Records), "record"), inMS(r.Recovery.AllMS), inMS(r.Recovery.PlannedMS))
	fmt.Fprintf(w, "Recovery point: %s.\n", pointOf(r))
	for _, e := range r.Recovery.Estimates {
		fmt.Fprintf(w, "All of %s: about %s: %s.\n", ui.Printable(e.Topic), inMS(e.MS), e.Arithmetic)
	}
	for _, o := range r.Objectives {
		verdict := "missed"
		if !o.Measured {
			verdict = "not measured"
		} else if o.Met {
			verdict = "met"
		}
		fmt.Fprintf(w, "Objective %s, at most %s: %s.\n", o.Name, inMS(o.LimitMS), verdict)
	}
}

// pointOf tells a recovery point in short.
func pointOf(r *drill.Result) string {
	if !r.Point.Measured {
		return "not measured"
	}
	text := fmt.Sprintf("%s, %d offsets", inMS(r.Point.MaxMS), r.Point.MaxOffsets)
	if r.Point.Worst != "" {
		text += " at " + r.Point.Worst
	}
	return text
}

func inMS(ms int64) string {
	if ms < 0 {
		return "never"
	}
	return (time.Duration(ms) * time.Millisecond).String()
}

// number is the seed, nil where none is given.
func (f *drillFlags) number() (*uint64, error) {
	if f.seed == "" {
		return nil, nil
	}
	n, err := strconv.ParseUint(f.seed, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("--seed %s: want a number from 0 to 2^64-1", f.seed)
	}
	return &n, nil
}

// moment is zero where none is given.
func (f *drillFlags) moment() (time.Time, error) {
	if f.to == "" {
		return time.Time{}, nil
	}
	return ui.ParseTime(f.to)
}
