package wire

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// reading is how each mode gets around a region that is slow, silent or another
// archive's. A reader turns to the other region at once. Who proves or writes
// asks a certain region, and only goes on without one that says nothing; who
// writes does not go on beside a region that is another archive's.
func (a *Archive) reading() cover.Options {
	o := cover.Options{Changed: a.regionChanged, Patience: a.quietLimit()}
	o.Hedge = a.mode == ForReading
	o.Around = a.mode == ForReading || a.mode == ForProof
	return o
}

// quietLimit is how long a region may say nothing after another has answered.
func (a *Archive) quietLimit() time.Duration {
	switch a.mode {
	case ForReading:
		return 2 * time.Second
	case ForProof:
		return 20 * time.Second
	default:
		return startLimit
	}
}

func (a *Archive) regionChanged(region string, s cover.State) {
	switch s {
	case cover.Last:
		a.Log.Warn("region fails or is slow: it is asked last", "region", region)
	case cover.InTurn:
		a.Log.Info("region answers again", "region", region)
	}
}

// Identify checks that the regions hold the archive that the configuration
// pins, and learns who may sign in it. All are asked at once and one is enough: a
// region that says nothing is not waited for long. One that holds another
// archive is an error, or, for who only reads, is named and left out.
func (a *Archive) Identify(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan introduction, len(a.Regions))
	for _, r := range a.Regions {
		go func() { answers <- introduction{r.Name, introduce(ctx, r, a.Trust)} }()
	}
	var known []introduction
	var patience <-chan time.Time // nil until a region has vouched
	for len(known) < len(a.Regions) {
		select {
		case got := <-answers:
			known = append(known, got)
			if got.err == nil && patience == nil {
				timer := time.NewTimer(a.quietLimit())
				defer timer.Stop()
				patience = timer.C
			}
		case <-patience:
			a.silent(known)
			return a.identified(known)
		}
	}
	return a.identified(known)
}

// silent tells the readers which regions have not answered.
func (a *Archive) silent(known []introduction) {
	for _, r := range a.Regions {
		if !slices.ContainsFunc(known, func(k introduction) bool { return k.region == r.Name }) {
			a.Log.Warn("region says nothing", "region", r.Name, "object", names.Archive, "for", a.quietLimit().String())
			a.Cover.Silent(r.Name)
		}
	}
}

// introduction is what came of asking one region who the archive is.
type introduction struct {
	region string
	err    error
}

// identified judges what the regions have said that answered in time.
func (a *Archive) identified(known []introduction) error {
	vouched := false
	var errs []error
	for _, k := range known {
		vouched = vouched || k.err == nil
		errs = append(errs, k.err)
	}
	for _, k := range known {
		if !errors.Is(k.err, signed.ErrSignature) {
			continue
		}
		if !vouched || !a.reading().Around {
			return k.err
		}
		a.Log.Warn("region holds another archive and is left out", "region", k.region, "object", names.Archive,
			"kind", cover.KindForged, "detail", k.err, "advice", cover.KindForged.Advice())
	}
	if vouched {
		return nil
	}
	return errors.Join(errs...)
}

// regionUse is a prometheus.Collector of what each region does for readers.
type regionUse struct{ archive *cover.Archive }

var (
	useBytes     = useDesc("bytes_total", "Bytes of objects that a region gave to readers.")
	useReads     = useDesc("requests_total", "Requests for parts of objects that a region answered.")
	useHedges    = useDesc("hedges_total", "Requests to a region that were made because another was slow.")
	useOvertaken = useDesc("overtaken_total", "Requests to a region that were given up because it was slow.")
	useFailovers = useDesc("failovers_total", "Reads for which another region was asked because this one failed.")
	useState     = useDesc("region_state", "Place of a region for readers: 0 in turn, 1 on trial, 2 last.")
)

func useDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("tidemark_read_"+name, help, []string{"region"}, nil)
}

// Describe implements prometheus.Collector.
func (u regionUse) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{useBytes, useReads, useHedges, useOvertaken, useFailovers, useState} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (u regionUse) Collect(to chan<- prometheus.Metric) {
	for _, r := range u.archive.Use() {
		count := func(d *prometheus.Desc, n int64) {
			to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), r.Region)
		}
		count(useBytes, r.Bytes)
		count(useReads, r.Reads)
		count(useHedges, r.Hedges)
		count(useOvertaken, r.Overtaken)
		count(useFailovers, r.Failovers)
		to <- prometheus.MustNewConstMetric(useState, prometheus.GaugeValue, float64(r.State), r.Region)
	}
}
