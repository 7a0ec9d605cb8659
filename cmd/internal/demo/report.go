package demo

import (
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/bench/events"
)

// Report is what a demo came to, and the shape of `tidemark demo --json`.
type Report struct {
	// Events were produced; of them, Committed may be seen by consumers and
	// Aborted may not.
	Events    int64 `json:"events"`
	Committed int64 `json:"committed"`
	Aborted   int64 `json:"aborted"`
	// Lost, Duplicated and so on are what the comparison with the ledger found,
	// in region one, region two and the restored topics together. All are 0 if
	// tidemark works.
	Lost        int64 `json:"lost"`
	Duplicated  int64 `json:"duplicated"`
	OutOfOrder  int64 `json:"out_of_order"`
	Changed     int64 `json:"changed"`
	AbortedSeen int64 `json:"aborted_seen"`
	Unknown     int64 `json:"unknown"`
	// RegionsEqual is true if both hold the same objects, byte by byte.
	// Verified is the word of tidemark verify.
	RegionsEqual bool           `json:"regions_equal"`
	Verified     bool           `json:"verified"`
	Regions      []RegionReport `json:"regions"`
	// Restored of RestoredExpected records came back, all stamped at or before
	// RestoredTo.
	RestoredTo       string      `json:"restored_to"`
	RestoredExpected int64       `json:"restored_expected"`
	Restored         int64       `json:"restored"`
	Order            OrderReport `json:"order"`
	// EventsPerSecond counts from the first event until both regions held the
	// last, kill and restart included.
	EventsPerSecond int64 `json:"events_per_second"`
	// KilledAtEvent is how many events were produced when the archiver was
	// killed, RecoverySeconds the time from the kill to the first new segment.
	KilledAtEvent   int64   `json:"killed_at_event"`
	RecoverySeconds float64 `json:"recovery_seconds"`
	// BytesIn are the batches as producers sent them, BytesStored all objects
	// of both regions.
	BytesIn     int64 `json:"bytes_in"`
	BytesStored int64 `json:"bytes_stored"`
	// Seconds is the whole demo.
	Seconds  float64  `json:"seconds"`
	Dir      string   `json:"dir"`
	Config   string   `json:"config"`
	Findings []string `json:"findings"`

	program string
	sample  *sample
	to      time.Time
}

// RegionReport is what one region holds.
type RegionReport struct {
	Name    string `json:"name"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
}

// OrderReport is the order that was looked up, by number of records.
type OrderReport struct {
	Key      string `json:"key"`
	Expected int    `json:"expected"`
	Found    int    `json:"found"`
}

func (r *Report) finding(format string, args ...any) {
	r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
}

// compared adds what one comparison with the ledger found.
func (r *Report) compared(what string, f events.Findings) {
	r.Lost += f.Lost
	r.Duplicated += f.Doubled
	r.OutOfOrder += f.OutOfOrder
	r.Changed += f.Changed
	r.AbortedSeen += f.AbortedSeen
	r.Unknown += f.Unknown
	if !f.Clean() {
		r.finding("%s: %s", what, f.First)
	}
}

// clean is true when nothing was found. Every finding has a line.
func (r *Report) clean() bool { return len(r.Findings) == 0 && r.Verified && r.RegionsEqual }
