package demo

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/bench/events"
)

// account notes what the load came to. The time is from the first event until
// both regions held the last one, with the kill and the restart in it.
func (d *demo) account(l *load, took time.Duration) error {
	r := &d.report
	r.Committed, r.Aborted = d.ledger.Count(events.Committed), d.ledger.Count(events.Aborted)
	r.BytesIn = l.bytes.Load()
	r.EventsPerSecond = int64(float64(d.opts.Events) / took.Seconds())
	r.sample, r.to = l.sample, milli(l.moment(d.opts.Events/2))
	if r.Committed+r.Aborted != r.Events {
		return fmt.Errorf("the ledger has %d records of %d", r.Committed+r.Aborted, r.Events)
	}
	return nil
}

// measure compares the segments of the two regions, name by name and byte by
// byte, and adds up their sizes.
func (d *demo) measure() error {
	var sizes [len(regionNames)]map[string]int64
	for i, region := range regionNames {
		var err error
		if sizes[i], err = listFiles(d.space.segments(region)); err != nil {
			return fmt.Errorf("list region %s: %w", region, err)
		}
		stored := RegionReport{Name: region, Objects: len(sizes[i])}
		for _, size := range sizes[i] {
			stored.Bytes += size
		}
		d.report.Regions = append(d.report.Regions, stored)
		d.report.BytesStored += stored.Bytes
	}
	if !maps.Equal(sizes[0], sizes[1]) {
		d.report.finding("the regions hold different objects: %d and %d", len(sizes[0]), len(sizes[1]))
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(sizes[0])) {
		same, err := sameFile(filepath.Join(d.space.segments(regionNames[0]), name), filepath.Join(d.space.segments(regionNames[1]), name))
		if err != nil {
			return fmt.Errorf("compare the regions: %w", err)
		}
		if !same {
			d.report.finding("the regions hold different bytes under %s", name)
			return nil
		}
	}
	d.report.RegionsEqual = true
	return nil
}

// listFiles lists the sizes of all objects of a region, by name.
func listFiles(dir string) (map[string]int64, error) {
	sizes := make(map[string]int64)
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if e.Name() == ".tmp" { // files that a kill left half written; no reader looks there
				return fs.SkipDir
			}
			return nil
		}
		info, err := e.Info()
		if err == nil {
			sizes[path] = info.Size()
		}
		return err
	})
	return sizes, err
}

func sameFile(a, b string) (bool, error) {
	x, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	y, err := os.ReadFile(b)
	return bytes.Equal(x, y), err
}
