package export

import (
	"encoding/json"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// manifestVersion changes when a reader of an older manifest would misread it.
const manifestVersion = 1

// Manifest says what an export holds. It is manifest.json of its directory.
type Manifest struct {
	Version int    `json:"version"`
	Format  Format `json:"format"`
	// Plan is the digest of the plan, Request that of what was asked for, Rule
	// the cut in words, and To the moment in ms.
	Plan    names.Digest `json:"plan_digest"`
	Request names.Digest `json:"request_digest"`
	Rule    string       `json:"rule"`
	To      int64        `json:"to_ms"`
	// Records and Bytes are sums over all partitions.
	Records    int64       `json:"records"`
	Bytes      int64       `json:"bytes"`
	Partitions []Partition `json:"partitions"`
	// Warnings are the plan's.
	Warnings []string `json:"warnings,omitempty"`
}

// Partition is what came of one partition.
type Partition struct {
	From   string `json:"from"`
	Into   string `json:"into"`
	Number int32  `json:"number"`
	// Records and Bytes are what its files hold, or the stream took.
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	// FirstOffset and LastOffset are the archived offsets of the first and last
	// record; -1 where there is none.
	FirstOffset int64 `json:"first_offset"`
	LastOffset  int64 `json:"last_offset"`
	// Gaps are archived offsets that were known to be missing.
	Gaps  []restore.Gap `json:"gaps,omitempty"`
	Files []File        `json:"files"`
}

// File is one file of an export.
type File struct {
	// Name is below the directory, with slashes.
	Name        string       `json:"name"`
	Records     int64        `json:"records"`
	Bytes       int64        `json:"bytes"`
	SHA256      names.Digest `json:"sha256"`
	FirstOffset int64        `json:"first_offset"`
	LastOffset  int64        `json:"last_offset"`
}

// Result is what a finished export reports.
type Result struct {
	Manifest
	// Kept of the files were written by earlier runs.
	Kept int `json:"kept,omitempty"`
}

func newManifest(p *restore.Plan, f Format) Manifest {
	return Manifest{
		Version: manifestVersion, Format: f, Plan: p.Digest, Request: p.RequestDigest, Rule: p.Rule, To: p.To, Warnings: p.Warnings,
	}
}

// add takes a partition that is done.
func (m *Manifest) add(p Partition) {
	m.Partitions = append(m.Partitions, p)
	m.Records += p.Records
	m.Bytes += p.Bytes
}

func (m *Manifest) files() int {
	n := 0
	for _, p := range m.Partitions {
		n += len(p.Files)
	}
	return n
}

func newPartition(t restore.TopicPlan, p restore.PartitionPlan) Partition {
	return Partition{From: t.From, Into: t.Into, Number: p.Number, FirstOffset: -1, LastOffset: -1, Gaps: p.Gaps, Files: []File{}}
}

// count takes a batch that was written.
func (p *Partition) count(b restore.Batch) {
	if p.Records == 0 {
		p.FirstOffset = b.First
	}
	p.LastOffset = b.Last
	p.Records += int64(b.Count)
}

// keep takes a file of an earlier run.
func (p *Partition) keep(f File) {
	if p.Records == 0 {
		p.FirstOffset = f.FirstOffset
	}
	p.LastOffset = f.LastOffset
	p.Records += f.Records
	p.Bytes += f.Bytes
	p.Files = append(p.Files, f)
}

func (m *Manifest) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}
