package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
)

// ErrSpace is a point that would fill the disk.
var ErrSpace = errors.New("not enough free disk space")

const (
	// settleTime is how long a removed topic may take to be gone from the disk:
	// Kafka's file.delete.delay.ms and a little.
	settleTime = 90 * time.Second
	// spareSpace is left to the broker's own files, to temporary ones, and to
	// others.
	spareSpace = 2 << 30
	// filterBytes is what a key filter takes of a segment for an event.
	filterBytes = 1.3
	// frameBytes are what a record has beside its key and value.
	frameBytes = 8
)

// guessedRatio is what a codec makes of events whose compressibility was not
// said: below what it usually reaches.
var guessedRatio = map[string]float64{"": 1, "none": 1, "gzip": 3, "snappy": 2, "lz4": 2, "zstd": 4}

// spaceNeeded is what a point takes of the disk, in bytes: the topic, a copy in
// each region, and for a restore the topic once more.
func spaceNeeded(s Spec) int64 {
	w := s.Workload
	events := float64(w.Events)
	ratio := w.Ratio
	if ratio <= 0 {
		ratio = guessedRatio[w.Codec]
	}
	topic := events * float64(w.EventBytes+frameBytes) / max(ratio, 1)
	copies := 3.0
	if s.Kind == report.Restore {
		copies = 4
	}
	need := topic * copies
	if s.Settings.KeyFilter {
		need += 2 * events * filterBytes
	}
	return int64(need)
}

// checkSpace refuses a point that would fill the disk. A broker may remove a
// topic's files a minute after the topic: that is what patience is for.
func checkSpace(ctx context.Context, s Spec, servers *Servers, patience time.Duration) error {
	if servers.Disk == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := checkSpaceNow(s, servers.Disk)
		if !errors.Is(err, ErrSpace) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

func checkSpaceNow(s Spec, disk string) error {
	free, err := freeSpace(disk)
	if err != nil {
		return fmt.Errorf("ask for free disk space: %w", err)
	}
	if need := spaceNeeded(s) + spareSpace; free < need {
		return fmt.Errorf("it needs about %.1f GB at %s and %.1f GB are free: use --scale or fewer events: %w",
			float64(need)/1e9, disk, float64(free)/1e9, ErrSpace)
	}
	return nil
}
