package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/proof"
)

// proofFlags are those of verify --proof.
type proofFlags struct {
	files []string
	trust string
}

func (f *proofFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.files, "proof", nil, "check this proof `file` of find, or all in a directory, and nothing else; may be repeated")
	cmd.Flags().StringVar(&f.trust, "trust", "", "with --proof: the trust `file` that pins archive and root key, in place of the configuration's")
	for _, other := range []string{"deep", "topic"} {
		cmd.MarkFlagsMutuallyExclusive("proof", other)
		cmd.MarkFlagsMutuallyExclusive("trust", other)
	}
}

// provenLine is what a proof proves, for --json.
type provenLine struct {
	File    string          `json:"file"`
	OK      bool            `json:"ok"`
	Error   string          `json:"error,omitempty"`
	Archive names.ArchiveID `json:"archive"`
	Lineage string          `json:"lineage,omitempty"`
	// Record is the record itself.
	Record      *line  `json:"record,omitempty"`
	KeySHA256   string `json:"key_sha256,omitempty"`
	ValueSHA256 string `json:"value_sha256,omitempty"`
	Segment     string `json:"segment,omitempty"`
	Digest      string `json:"digest,omitempty"`
	Block       int    `json:"block"`
	Created     string `json:"segment_created,omitempty"`
	Signer      string `json:"signer,omitempty"`
	SignerSince string `json:"signer_since,omitempty"`
	Others      uint64 `json:"other_records"`
}

// run checks every proof, and asks no region anything.
func (f *proofFlags) run(a *app, cmd *cobra.Command) error {
	pin, err := f.pin(a)
	if err != nil {
		return err
	}
	files, err := proofFiles(f.files)
	if err != nil {
		return err
	}
	bad := 0
	for _, file := range files {
		p, err := verifyProof(file, pin)
		out := provenOf(file, pin.Archive, p, err)
		if err != nil {
			bad++
		}
		if err := a.print(cmd, out, func(w io.Writer) error { return writeProven(w, file, p, err) }); err != nil {
			return err
		}
	}
	if bad > 0 {
		return refused(fmt.Errorf("%d of %s proven nothing", bad, plural(len(files), "proof")))
	}
	return nil
}

// pin is what the trust file or the configuration pins.
func (f *proofFlags) pin(a *app) (wire.Pin, error) {
	if f.trust != "" {
		p, err := wire.ReadTrust(f.trust)
		if err != nil {
			return p, usage(err)
		}
		return p, nil
	}
	cfg, err := a.config()
	if err != nil {
		return wire.Pin{}, err
	}
	p, err := wire.PinOf(cfg.Archive)
	if err != nil {
		return p, usage(err)
	}
	return p, nil
}

// proofFiles are the files, and those in the directories.
func proofFiles(list []string) ([]string, error) {
	var all []string
	for _, name := range list {
		info, err := os.Stat(name)
		if err != nil {
			return nil, usage(fmt.Errorf("--proof: %w", err))
		}
		if !info.IsDir() {
			all = append(all, name)
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, usage(fmt.Errorf("--proof: %w", err))
		}
		before := len(all)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), proofSuffix) {
				all = append(all, filepath.Join(name, e.Name()))
			}
		}
		if len(all) == before {
			return nil, usage(fmt.Errorf("--proof %s: no file in it ends in %s", name, proofSuffix))
		}
	}
	return slices.Compact(all), nil
}

func verifyProof(name string, pin wire.Pin) (*proof.Proven, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, proof.MaxFile+1))
	if err == nil && len(data) > proof.MaxFile {
		err = errors.New("it is larger than any proof")
	}
	if err != nil {
		return nil, fmt.Errorf("read proof: %w", err)
	}
	return proof.Verify(data, pin.Archive, pin.Root)
}

func provenOf(file string, archive names.ArchiveID, p *proof.Proven, err error) provenLine {
	out := provenLine{File: file, OK: err == nil, Archive: archive}
	if err != nil {
		out.Error = err.Error()
		return out
	}
	record := lineOf(p.Partition, p.Record, p.LogAppendTime)
	out.Record, out.Lineage = &record, p.Partition.Lineage.String()
	out.KeySHA256, out.ValueSHA256 = sumText(p.Record.Key), sumText(p.Record.Value)
	out.Segment, out.Digest, out.Block, out.Others = p.Segment.String(), p.Digest.String(), p.Block, p.Others
	out.Created, out.SignerSince = utcText(p.Created), utcText(p.SignerSince)
	out.Signer = p.Signer.String()
	return out
}

// utcText writes a moment in UTC.
func utcText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// sumText is the SHA-256 of a key or value in hex, empty of null.
func sumText(b []byte) string {
	if b == nil {
		return ""
	}
	sum, _ := proof.Sum(b)
	return hex.EncodeToString(sum[:])
}

func writeProven(w io.Writer, file string, p *proof.Proven, err error) error {
	if err != nil {
		_, err := fmt.Fprintf(w, "%s\n  NOT PROVEN: %s\n\n", ui.Printable(file), ui.Printable(err.Error()))
		return err
	}
	by := "by the producer's clock"
	if p.LogAppendTime {
		by = "by the broker's clock"
	}
	fmt.Fprintf(w, "%s\n  proven: an archiver of archive %s signed this record\n", ui.Printable(file), p.Archive)
	t := ui.NewTable(w)
	t.Row("  ", "topic", fmt.Sprintf("%s (%s)", p.Partition.Topic, p.Partition.Lineage))
	t.Row("  ", "partition", fmt.Sprint(p.Partition.Number))
	t.Row("  ", "offset", fmt.Sprint(p.Record.Offset))
	t.Row("  ", "time", timeText(p.Record.Timestamp)+" "+by)
	t.Row("  ", "key", bytesText(p.Record.Key))
	t.Row("  ", "value", bytesText(p.Record.Value))
	t.Row("  ", "headers", fmt.Sprint(len(p.Record.Headers)))
	t.Row("  ", "segment", p.Segment.String())
	t.Row("  ", "digest", p.Digest.String())
	t.Row("  ", "sealed", "after "+utcText(p.Created)+", by the archiver's clock")
	t.Row("  ", "signer", fmt.Sprintf("%s, introduced by the pinned root key on %s", p.Signer, utcText(p.SignerSince)))
	t.Row("  ", "discloses", plural(int(p.Others), "other record")+" of its block")
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w)
	return err
}

// bytesText describes a key or value by its digest; nothing of it is shown.
func bytesText(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("sha256 %s, %s", sumText(b), plural(len(b), "byte"))
}
