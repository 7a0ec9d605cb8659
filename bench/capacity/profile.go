package capacity

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/tidemark-io/tidemark/bench/report"
)

// ProfileVersion is the version of the profile file.
const ProfileVersion = 1

// Profile is what the archiver costs on a kind of machine. Costs are in
// nanoseconds of CPU.
type Profile struct {
	Version int            `json:"version"`
	Name    string         `json:"name"` // of the result it was fitted to
	Date    string         `json:"date"`
	Machine report.Machine `json:"machine"`
	Parts   report.Parts   `json:"parts"`
	Points  int            `json:"points"` // of the result that it rests on

	Archive Costs `json:"archive_ns"`
	Restore Costs `json:"restore_ns"`

	// RecordBytes is what a record adds to key and value in a batch, before
	// compression; BatchBytes is a batch's header (61, KIP-98).
	RecordBytes float64 `json:"record_bytes"`
	BatchBytes  float64 `json:"batch_bytes"`
	// FilterBytes is what an event takes in the sealed key filter.
	FilterBytes float64 `json:"filter_bytes"`
	// Shrink is by how much a block compressor does worse than zstd on whole
	// batches: of what zstd saves, it saves this share.
	Shrink map[string]float64 `json:"shrink"`

	Memory Memory `json:"memory"`
	// StoreSeconds is how long after a segment is closed both regions hold it.
	StoreSeconds float64 `json:"store_seconds"`
	// Lists and Gets are a partition's requests in each region when it begins,
	// beside one LIST for each 1,000 objects.
	Lists float64 `json:"lists_a_start"`
	Gets  float64 `json:"gets_a_start"`
}

// Costs are what each kind of work takes, in nanoseconds of CPU.
type Costs struct {
	Batch     float64            `json:"batch"`             // walk one batch's header
	Wire      float64            `json:"wire_byte"`         // fetch, CRC-32C, copy
	Sealed    float64            `json:"sealed_byte"`       // AES-256-GCM, SHA-256, CRC-32C, a PUT to each region
	Key       float64            `json:"filter_event"`      // parse to the key, hash it, build the filter
	Segment   float64            `json:"segment"`           // header, footer, signature, requests, index, commit
	Partition float64            `json:"partition_second"`  // being polled
	Start     float64            `json:"start"`             // of the process
	Compress  map[string]float64 `json:"compress_byte"`     // by block compression, for batches that came uncompressed
	Open      map[string]float64 `json:"decompressed_byte"` // by the producers' codec, to see keys
}

// Memory is what the archiver keeps resident, in bytes.
type Memory struct {
	Base      float64 `json:"base"`
	Partition float64 `json:"partition"`
	Budget    float64 `json:"of_budget"` // times the memory budget
}

//go:embed profile.json
var shippedProfile []byte

// Shipped is the profile that comes with the program.
func Shipped() (Profile, error) { return ReadProfile(bytes.NewReader(shippedProfile)) }

// ReadProfile reads a profile, strictly.
func ReadProfile(r io.Reader) (Profile, error) {
	d := json.NewDecoder(io.LimitReader(r, maxYAML))
	d.DisallowUnknownFields()
	var p Profile
	if err := d.Decode(&p); err != nil {
		return Profile{}, fmt.Errorf("read profile: %w", err)
	}
	if err := p.validate(); err != nil {
		return Profile{}, fmt.Errorf("read profile: %w", err)
	}
	return p, nil
}

// ReadProfileFile reads the profile in a file, or fits one to the result of a
// bench in it.
func ReadProfileFile(name string) (Profile, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return Profile{}, fmt.Errorf("read profile: %w", err)
	}
	var kind struct {
		Archive json.RawMessage `json:"archive_ns"`
		Points  json.RawMessage `json:"points"`
	}
	_ = json.Unmarshal(text, &kind) // who reads it in full says what is wrong
	if kind.Archive != nil || kind.Points == nil {
		p, err := ReadProfile(bytes.NewReader(text))
		if err != nil {
			return Profile{}, fmt.Errorf("%s: %w", name, err)
		}
		return p, nil
	}
	r, err := report.Read(bytes.NewReader(text))
	if err != nil {
		return Profile{}, fmt.Errorf("%s: %w", name, err)
	}
	return ProfileOf(r)
}

// WriteProfile writes a profile as ReadProfile wants it.
func WriteProfile(w io.Writer, p Profile) error {
	if err := p.validate(); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	return nil
}

func (p Profile) validate() error {
	if p.Version != ProfileVersion {
		return fmt.Errorf("version %d, and this program reads version %d", p.Version, ProfileVersion)
	}
	figures := []float64{p.RecordBytes, p.BatchBytes, p.FilterBytes, p.Memory.Base, p.Memory.Partition, p.Memory.Budget, p.StoreSeconds, p.Lists, p.Gets}
	figures = append(append(figures, p.Archive.vector()...), p.Restore.vector()...)
	if slices.ContainsFunc(figures, func(v float64) bool { return v < 0 || math.IsNaN(v) || math.IsInf(v, 0) }) {
		return errors.New("a figure is below zero")
	}
	if p.Archive.Wire+p.Archive.Sealed+p.Archive.Batch == 0 {
		return errors.New("archiving costs nothing")
	}
	return nil
}
