package report

import "time"

// Version is the version of the result file.
const Version = 1

// Result is one run of the bench: a file in bench/results.
type Result struct {
	Version int       `json:"version"`
	Name    string    `json:"name"` // of the sweep, such as "published" or "quick"
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Command []string  `json:"command"`
	Machine Machine   `json:"machine"`
	Parts   Parts     `json:"parts"`
	Points  []Point   `json:"points"`
}

// Machine is what everything ran on.
type Machine struct {
	CPU     string `json:"cpu"` // the model, as the operating system names it
	Cores   int    `json:"cores"`
	SHA     bool   `json:"sha_extensions"` // SHA-256 in hardware
	Memory  int64  `json:"memory"`         // bytes
	OS      string `json:"os"`
	Kernel  string `json:"kernel"`
	LoadAvg string `json:"load_average"` // before the first point
}

// Parts are the versions of what ran.
type Parts struct {
	Tidemark string `json:"tidemark"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Kafka    string `json:"kafka"` // "Apache Kafka 4.3.1" or "kfake"
	Stores   string `json:"stores"`
}

// Kind is what a point measures.
type Kind string

// The kinds of points.
const (
	Backlog Kind = "backlog" // archive what is there
	Live    Kind = "live"    // produce and archive at once
	Fetch   Kind = "fetch"   // floor: raw fetch, thrown away
	Floor   Kind = "floor"   // floor: raw fetch, CRC-32C, AES-256-GCM, SHA-256, two PUTs
	Restore Kind = "restore" // back into Kafka
	Cat     Kind = "cat"     // records as JSON lines
	Verify  Kind = "verify"  // verify --deep
	Find    Kind = "find"    // every version of one key
)

// Valid is the verdict of a point that broke no rule.
const Valid = "valid"

// Point is one measurement.
type Point struct {
	Name     string    `json:"name"` // unique in a result, such as "backlog/zstd/64p/filter"
	Kind     Kind      `json:"kind"`
	Workload Workload  `json:"workload"`
	Settings Settings  `json:"settings"`
	Started  time.Time `json:"started"`

	// Verdict is "valid", or why the point is not: rules broken, separated by
	// "; ".
	Verdict string `json:"verdict"`

	// Seconds is wall time from the first byte to the last, start of the
	// program included.
	Seconds float64 `json:"seconds"`
	Events  int64   `json:"events"` // landed in both regions, or came back; for find, keys asked for
	Bytes   int64   `json:"bytes"`  // of these events, keys and values, uncompressed
	Wire    int64   `json:"wire"`   // of these events, as batches at the broker

	Processes []Process `json:"processes"`
	Regions   []Region  `json:"regions,omitempty"`
	Check     *Check    `json:"check,omitempty"`
	Generator *Rate     `json:"generator,omitempty"` // of a live point
	TailAge   *Spread   `json:"tail_age,omitempty"`  // seconds from an event's timestamp to its being in both regions, seen at the stores
	Lag       *Spread   `json:"lag,omitempty"`       // events at the broker and not in both regions
	Latency   *Spread   `json:"latency,omitempty"`   // seconds for one answer, of find

	// Requests are the program's calls of the stores in both regions together,
	// by S3's name for them: "PUT", "GET", "HEAD", "LIST", "DELETE".
	Requests map[string]int64 `json:"requests,omitempty"`
}

// Workload is what was in Kafka.
type Workload struct {
	Format       string  `json:"format"`      // "order" or "debezium"
	EventBytes   int     `json:"event_bytes"` // key and value of an event, on average
	Codec        string  `json:"codec"`       // of the producer: none, gzip, snappy, lz4, zstd
	BatchEvents  int     `json:"batch_events"`
	Ratio        float64 `json:"ratio"` // of the batches as produced: uncompressed over compressed, 1 for none
	Partitions   int     `json:"partitions"`
	KeySkew      float64 `json:"key_skew"`     // s of Zipf's law over the keys; 0 is uniform
	Transactions bool    `json:"transactions"` // produced in transactions
	Events       int64   `json:"events"`       // asked for
	Rate         float64 `json:"rate"`         // events a second asked for; 0 for a backlog
}

// Settings are what the archiver was told.
type Settings struct {
	KeyFilter   bool    `json:"key_filter"`
	Compression string  `json:"compression"`
	SegmentSize int64   `json:"segment_size"` // bytes
	SegmentAge  float64 `json:"segment_age"`  // seconds
	Memory      int64   `json:"memory"`       // bytes
	Brokers     int     `json:"brokers"`
	Instances   int     `json:"instances"`
}

// Process is what one process took of the machine, by the operating system's
// account.
type Process struct {
	Name    string  `json:"name"` // "tidemark", "kafka", "region a", "region b", "generator"
	User    float64 `json:"user"` // CPU seconds during the point
	System  float64 `json:"system"`
	PeakRSS int64   `json:"peak_rss"` // bytes, over the process's life
}

// CPU is the process's CPU seconds.
func (p Process) CPU() float64 { return p.User + p.System }

// Region is what a store lists after the point, all pages of the listing.
type Region struct {
	Name     string `json:"name"`
	Objects  int64  `json:"objects"`
	Segments int64  `json:"segments"`
	Bytes    int64  `json:"bytes"`
	Events   int64  `json:"events"` // in segments that verify, each offset once
}

// Check compares what landed, or came back, with what the broker
// acknowledged.
type Check struct {
	Expected int64 `json:"expected"` // events acknowledged
	Lost     int64 `json:"lost"`
	Twice    int64 `json:"twice"`
	Changed  int64 `json:"changed"` // in batches whose checksum differs
}

// Rate is whether a generator did what it was asked for.
type Rate struct {
	Asked  float64 `json:"asked"`  // events a second
	Held   float64 `json:"held"`   // acknowledged over the time
	Behind float64 `json:"behind"` // seconds, the furthest it was behind its schedule
}

// Spread is the distribution of one figure.
type Spread struct {
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
	Samples int     `json:"samples"`
}

// PerSecond is the point's rate in events a second.
func (p Point) PerSecond() float64 {
	if p.Seconds <= 0 {
		return 0
	}
	return float64(p.Events) / p.Seconds
}

// CPUPerEvent is what a process took of the CPU for an event, in microseconds,
// or 0 where it did not run.
func (p Point) CPUPerEvent(process string) float64 {
	var sum float64
	for _, q := range p.Processes {
		if q.Name == process {
			sum += q.CPU()
		}
	}
	if p.Events <= 0 {
		return 0
	}
	return sum / float64(p.Events) * 1e6
}
