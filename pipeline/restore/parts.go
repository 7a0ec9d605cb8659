package restore

import (
	"slices"
	"time"
)

// RegionPart is what one region holds of the segments that a partition is
// restored from.
type RegionPart struct {
	Region string `json:"region"`
	// First of the segments are read here before any other region is asked: no
	// nearer one has them.
	First int `json:"read_first"`
	// Segments and Bytes are here, Missing and MissingBytes are not; bytes are
	// stored bytes.
	Segments     int   `json:"segments"`
	Bytes        int64 `json:"bytes"`
	Missing      int   `json:"missing,omitempty"`
	MissingBytes int64 `json:"missing_bytes,omitempty"`
}

// parts counts what each region that answered has.
func (s Survey) parts() []RegionPart {
	var parts []RegionPart
	for _, region := range s.Regions {
		part := RegionPart{Region: region}
		for _, seg := range s.Segments {
			if !slices.Contains(seg.Regions, region) {
				part.Missing++
				part.MissingBytes += seg.Bytes
				continue
			}
			part.Segments++
			part.Bytes += seg.Bytes
			if seg.Regions[0] == region {
				part.First++
			}
		}
		parts = append(parts, part)
	}
	return parts
}

// Pace is how fast a restore is expected to be, as one was measured. Whatever is
// not above 0 does not bound it.
type Pace struct {
	// BytesPerSecond counts stored bytes.
	BytesPerSecond   float64 `json:"bytes_per_second"`
	RecordsPerSecond float64 `json:"records_per_second"`
}

// DefaultPace is what was measured of whole batches, orders of 236 bytes that zstd
// had brought to 62, on two cores that the broker and both stores shared
// (bench/results/2026-11-22-profile, restore/zstd/64p). Batches that are cut
// within take longer.
var DefaultPace = Pace{BytesPerSecond: 40e6, RecordsPerSecond: 650e3}

// Estimate is how long the plan takes at a pace, from its upper bounds on bytes
// and records: the slower of the two counts.
func (p *Plan) Estimate(pace Pace) time.Duration {
	var bytes, records int64
	for _, t := range p.Topics {
		for _, pp := range t.Partitions {
			bytes, records = bytes+pp.MaxBytes, records+pp.MaxRecords
		}
	}
	var seconds float64
	if pace.BytesPerSecond > 0 {
		seconds = float64(bytes) / pace.BytesPerSecond
	}
	if pace.RecordsPerSecond > 0 {
		seconds = max(seconds, float64(records)/pace.RecordsPerSecond)
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
}
