package capacity

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Workload is what an archive has to carry, and how it is set up.
type Workload struct {
	Name string `yaml:"name" json:"name"`

	// Average and Peak are events a second: requests and bytes follow from the
	// average, machines from the peak.
	Average float64 `yaml:"events_per_second" json:"events_per_second"`
	Peak    float64 `yaml:"peak_events_per_second" json:"peak_events_per_second"`
	// EventBytes is key and value of an event, on average and uncompressed.
	EventBytes int `yaml:"event_bytes" json:"event_bytes"`
	// BatchEvents is how many events producers put into a batch at the average
	// rate.
	BatchEvents float64 `yaml:"batch_events" json:"batch_events"`
	// Codec is the producers': none, gzip, snappy, lz4 or zstd.
	Codec string `yaml:"codec" json:"codec"`
	// Compressibility is uncompressed over compressed for whole batches of
	// these events under zstd; 1 is not compressible at all.
	Compressibility float64 `yaml:"compressibility" json:"compressibility"`
	Partitions      int     `yaml:"partitions" json:"partitions"`
	// Hottest is the share of the busiest partition over the average one.
	Hottest float64 `yaml:"hottest_partition" json:"hottest_partition"`

	SegmentSize Bytes    `yaml:"segment_size" json:"segment_size"`
	SegmentAge  Duration `yaml:"segment_age" json:"segment_age"`
	Compression string   `yaml:"compression" json:"compression"` // of blocks that came uncompressed: zstd, s2, none
	KeyFilter   bool     `yaml:"key_filter" json:"key_filter"`
	Memory      Bytes    `yaml:"memory" json:"memory"` // the archiver's budget

	Regions       int     `yaml:"regions" json:"regions"`
	RetentionDays float64 `yaml:"retention_days" json:"retention_days"`
	RollUp        RollUp  `yaml:"roll_up" json:"roll_up"`
	// Tiers are storage classes of the price table, in the order in which an
	// object passes through them; the last one keeps it to the end.
	Tiers []Tier `yaml:"tiers" json:"tiers"`

	Machine Machine `yaml:"machine" json:"machine"`
	Monthly Monthly `yaml:"monthly" json:"monthly"`
}

// RollUp makes large segments of small ones, which then lapse.
type RollUp struct {
	On bool `yaml:"on" json:"on"`
	// Every is how much of a partition goes into one large segment.
	Every Duration `yaml:"every" json:"every"`
	// Size is where a large segment ends before that.
	Size Bytes `yaml:"size" json:"size"`
	// SmallDays is after how many days they are rolled up and lapse.
	SmallDays float64 `yaml:"small_days" json:"small_days"`
}

// Tier is some days in one storage class.
type Tier struct {
	Class string  `yaml:"class" json:"class"`
	Days  float64 `yaml:"days" json:"days"` // ignored for the last one
}

// Machine is what one instance runs on.
type Machine struct {
	Cores   float64 `yaml:"cores" json:"cores"` // of the kind that the profile was measured on
	Memory  Bytes   `yaml:"memory" json:"memory"`
	Network float64 `yaml:"network_gbit" json:"network_gbit"` // both ways, each
	// Busy is the share of the cores and of the network that may be in use at
	// the peak.
	Busy float64 `yaml:"busy" json:"busy"`
	// AtLeast is the smallest number of instances; two survive the loss of one.
	AtLeast int `yaml:"at_least" json:"at_least"`
}

// Monthly is what happens besides archiving, in a month.
type Monthly struct {
	Starts   float64 `yaml:"starts" json:"starts"`       // of each instance
	Restores float64 `yaml:"restores" json:"restores"`   // of one day each, drills included
	Verifies float64 `yaml:"verifies" json:"verifies"`   // of everything, without --deep
	Finds    float64 `yaml:"finds" json:"finds"`         // of one key in a day, with a warm index
	Leaves   bool    `yaml:"leaves" json:"leaves_cloud"` // restores go out of the provider's network
}

// DefaultWorkload is what a field means that is left out. Rate, partitions and
// retention have no default.
func DefaultWorkload() Workload {
	return Workload{
		Name: "workload", EventBytes: 237, BatchEvents: 100, Codec: "zstd", Compressibility: 5, Hottest: 1,
		SegmentSize: 16 << 20, SegmentAge: Duration(10e9), Compression: "zstd", KeyFilter: true, Memory: 256 << 20,
		Regions: 2, RollUp: RollUp{On: true, Every: Duration(24 * 3600e9), Size: 1 << 30, SmallDays: 7},
		Tiers:   []Tier{{Class: "standard"}},
		Machine: Machine{Cores: 2, Memory: 4 << 30, Network: 5, Busy: 0.6, AtLeast: 2},
		Monthly: Monthly{Starts: 4, Restores: 1, Verifies: 1, Finds: 1000},
	}
}

//go:embed examples
var exampleFiles embed.FS

// Examples are the names that [Example] knows.
func Examples() []string {
	entries, err := exampleFiles.ReadDir("examples")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".yaml"); ok && name != "prices" {
			names = append(names, name)
		}
	}
	return names
}

// Example returns the text of a workload that comes with the program.
func Example(name string) ([]byte, error) {
	if !slices.Contains(Examples(), name) {
		return nil, fmt.Errorf("no example is called %q: there are %s", name, strings.Join(Examples(), ", "))
	}
	return exampleFiles.ReadFile(path.Join("examples", name+".yaml"))
}

// maxYAML bounds a workload or price file, in bytes.
const maxYAML = 1 << 20

// ReadWorkload reads a workload, strictly. It does not validate it, since flags
// may still change it.
func ReadWorkload(r io.Reader) (Workload, error) {
	w := DefaultWorkload()
	if err := readYAML(r, &w); err != nil {
		return Workload{}, fmt.Errorf("read workload: %w", err)
	}
	if w.Peak == 0 {
		w.Peak = w.Average
	}
	return w, nil
}

// ReadWorkloadFile reads the workload in a file.
func ReadWorkloadFile(name string) (Workload, error) {
	f, err := os.Open(name)
	if err != nil {
		return Workload{}, fmt.Errorf("read workload: %w", err)
	}
	defer f.Close()
	return ReadWorkload(f)
}

func readYAML(r io.Reader, v any) error {
	text, err := io.ReadAll(io.LimitReader(r, maxYAML+1))
	if err != nil {
		return err
	}
	if len(text) > maxYAML {
		return fmt.Errorf("more than %d bytes", maxYAML)
	}
	err = yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(v)
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	return err
}

// Validate returns an error that names every field that makes no sense.
func (w Workload) Validate() error {
	var errs []error
	must := func(ok bool, field, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s: %s", field, what))
		}
	}
	within := func(v, least, most float64) bool { return v >= least && v <= most && !math.IsNaN(v) }
	must(w.Average > 0 && within(w.Average, 0, 1e10), "events_per_second", "above 0, at most 10,000,000,000")
	must(within(w.Peak, w.Average, 1e10), "peak_events_per_second", "at least the average, at most 10,000,000,000")
	must(w.EventBytes >= 1 && w.EventBytes <= 1<<30, "event_bytes", "1 to 1 GiB")
	must(within(w.BatchEvents, 1, 1e6), "batch_events", "1 to 1,000,000")
	must(slices.Contains(Codecs(), w.Codec), "codec", "one of "+strings.Join(Codecs(), ", "))
	must(within(w.Compressibility, 1, 1000), "compressibility", "1 (not at all) to 1,000")
	must(w.Partitions >= 1 && w.Partitions <= 10_000_000, "partitions", "1 to 10,000,000")
	must(within(w.Hottest, 1, math.Max(1, float64(w.Partitions))), "hottest_partition", "1 to the number of partitions")
	must(w.SegmentSize >= 1<<10 && w.SegmentSize <= 1<<30, "segment_size", "1 KiB to 1 GiB")
	must(within(w.SegmentAge.Seconds(), 0.1, secondsADay), "segment_age", "100ms to 24h")
	must(slices.Contains([]string{"none", "zstd", "s2"}, w.Compression), "compression", "none, zstd or s2")
	must(w.Memory >= 1<<20 && w.Memory <= 1<<40, "memory", "1 MiB to 1 TiB")
	must(w.Regions == 1 || w.Regions == 2, "regions", "2, or 1 to see what the second costs")
	must(within(w.RetentionDays, 1, 36_525), "retention_days", "1 to 36,525 (a century)")
	return errors.Join(append(errs, w.validateParts()...)...)
}

func (w Workload) validateParts() []error {
	var errs []error
	must := func(ok bool, field, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s: %s", field, what))
		}
	}
	must(!w.RollUp.On || w.RollUp.Every.Seconds() >= w.SegmentAge.Seconds(), "roll_up.every", "at least segment_age")
	must(!w.RollUp.On || w.RollUp.Size >= w.SegmentSize, "roll_up.size", "at least segment_size")
	must(!w.RollUp.On || w.RollUp.SmallDays >= w.RollUp.Every.Seconds()/secondsADay, "roll_up.small_days", "at least roll_up.every")
	must(len(w.Tiers) > 0, "tiers", "at least one")
	for i, t := range w.Tiers {
		must(t.Class != "", "tiers", "a class for each")
		must(t.Days > 0 || i == len(w.Tiers)-1, "tiers", "days above 0 for all but the last")
	}
	m := w.Machine
	must(m.Cores > 0 && m.Cores <= 4096, "machine.cores", "above 0, at most 4,096")
	must(m.Memory > 0, "machine.memory", "above 0")
	must(m.Network > 0, "machine.network_gbit", "above 0")
	must(m.Busy > 0 && m.Busy <= 1, "machine.busy", "above 0, at most 1")
	must(m.AtLeast >= 1, "machine.at_least", "at least 1")
	must(m.AtLeast <= w.Partitions, "machine.at_least", "at most the number of partitions: a member without one does nothing")
	y := w.Monthly
	must(y.Starts >= 0 && y.Restores >= 0 && y.Verifies >= 0 && y.Finds >= 0, "monthly", "nothing below 0")
	return errs
}
