package index

import "testing"

// BenchmarkPut stores 100 segments a call, as a rebuild does.
func BenchmarkPut(b *testing.B) {
	x, err := Open(b.TempDir(), testArchive, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := x.Put(b.Context(), entries(orders, n, n+100)...); err != nil {
			b.Fatal(err)
		}
		n += 100
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "µs/segment")
}
