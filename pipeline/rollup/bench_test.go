package rollup_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/rollup"
)

// BenchmarkRoll rolls up 16 segments of some 2 MiB, of records of 45 bytes in
// batches that nobody compressed: read, sealed with key filters, stored in two
// regions in memory, and compared there. cpu-ns/B is of the system's accounting.
func BenchmarkRoll(b *testing.B) {
	const segments, batches, records = 16, 16, 3000
	w := newWorld(b)
	base, size := int64(0), int64(0)
	for i := range segments {
		s := covertest.Spec{Base: base, Next: base + batches*records, Created: midnight.Add(time.Duration(i) * time.Minute)}
		for j := range int64(batches) {
			batch := covertest.Batch(b, base+j*records, records)
			s.Batches = append(s.Batches, batch)
			size += int64(len(batch))
		}
		w.Store(s)
		base = s.Next
	}
	b.SetBytes(size)
	b.ReportAllocs()
	cpu := cpuTime(b)
	for b.Loop() {
		r := w.roller(rollup.Options{})
		p, err := r.Plan(context.Background(), rollup.Request{})
		if err != nil {
			b.Fatal(err)
		}
		report, err := r.Execute(context.Background(), p)
		if err != nil || report.Rolled != 1 {
			b.Fatal(report, err)
		}
		for _, region := range w.Regions() {
			for _, k := range pages(region) {
				region.Remove(k)
			}
			region.Remove(w.rolled(0, base).Name.String())
		}
	}
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/float64(size), "cpu-ns/B")
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/float64(base), "cpu-ns/record")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
