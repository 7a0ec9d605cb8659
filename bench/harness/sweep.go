package harness

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
)

// Sweep returns the points of a named sweep, in the order in which they run.
func Sweep(name string) ([]Spec, error) {
	all := sweeps()
	if points, ok := all[name]; ok {
		return points(), nil
	}
	return nil, fmt.Errorf("there is no sweep %q: want %s", name, strings.Join(Sweeps(), ", "))
}

// Sweeps are the names of all sweeps, sorted.
func Sweeps() []string { return slices.Sorted(maps.Keys(sweeps())) }

func sweeps() map[string]func() []Spec {
	return map[string]func() []Spec{
		"quick": quick, "published": published, "scale": scale, "memory": memory, "wayback": wayBack, "peers": peers,
	}
}

// The events of the published figures: orders as JSON, 237 bytes with their
// key, in batches as a producer with a short linger makes them. Where a
// compressibility is not stated, it is the events' own.
const (
	eventBytes  = 237
	batchEvents = 200
)

// peerBytes and peerRatio are those of published tests of other programs:
// records of 1.2 KB that compress to a quarter.
const (
	peerBytes = 1200
	peerRatio = 4
)

func orders(codec string, partitions int, events int64) report.Workload {
	return report.Workload{Format: "order", EventBytes: eventBytes, Codec: codec, BatchEvents: batchEvents, Partitions: partitions, Events: events}
}

// rated produces so many events a second for a time.
func rated(w report.Workload, perSecond float64, d time.Duration) report.Workload {
	w.Events, w.Rate = int64(perSecond*d.Seconds()), perSecond
	return w
}

var (
	plain    = report.Settings{}
	filtered = report.Settings{KeyFilter: true}
)

// archiving are the points that every archiver is judged by: its two floors
// and itself without and with the key filter, on one topic and so to be
// compared within one run.
func archiving(of string, w report.Workload) []Spec {
	return []Spec{
		{Name: of + "/fetch", Kind: report.Fetch, Workload: w, Why: "what reading alone costs"},
		{Name: of + "/floor", Kind: report.Floor, Workload: w, Why: "what fetch, CRC, encryption, SHA-256 and two PUTs cost at the least"},
		{Name: of + "/plain", Kind: report.Backlog, Workload: w, Settings: plain, Why: "the archiver beside its floor"},
		{Name: of + "/filter", Kind: report.Backlog, Workload: w, Settings: filtered, Why: "what keys cost that can be found"},
	}
}

// quick is a look in a few minutes: does it work here, and roughly how fast.
func quick() []Spec {
	w := orders("zstd", 16, 5_000_000)
	live := rated(w, 100_000, 30*time.Second)
	return append(archiving("backlog/zstd/16p", w),
		Spec{Name: "restore/zstd/16p", Kind: report.Restore, Workload: w, Settings: filtered, Why: "the way back, whole batches"},
		Spec{Name: "verify/zstd/16p", Kind: report.Verify, Workload: w, Settings: filtered, Why: "every byte read and every record decoded"},
		Spec{Name: "cat/zstd/16p", Kind: report.Cat, Workload: w, Settings: filtered, Why: "records as JSON lines"},
		Spec{Name: "find/zstd/16p/empty", Kind: report.Find, Workload: w, Settings: filtered, Keys: 10, Why: "one key among all, without an index"},
		Spec{Name: "find/zstd/16p/warm", Kind: report.Find, Workload: w, Settings: filtered, Keys: 100, Warm: true, Why: "one key among all, with the archiver's index"},
		Spec{Name: "live/zstd/16p/filter", Kind: report.Live, Workload: live, Settings: filtered, Why: "how old the tail is"},
	)
}

// published is what the README's figures come from: every row of the promise,
// with its floors.
func published() []Spec {
	var all []Spec
	// Three minutes and more at a million and a half events a second would be
	// 270 million; what fits into 50 GB with two regions and the topic is less.
	all = append(all, archiving("backlog/zstd/64p", orders("zstd", 64, 250_000_000))...)
	all = append(all, liveEvents()...)
	all = append(all, uncompressed()...)
	all = append(all, peers()...)
	all = append(all, wayBack()...)
	all = append(all, scale()...)
	return append(all, memory()...)
}

// liveEvents: generator, broker, archiver and stores share the machine.
func liveEvents() []Spec {
	w := orders("zstd", 64, 0)
	return []Spec{
		{Name: "live/zstd/64p/plain", Kind: report.Live, Workload: rated(w, 1_000_000, 3*time.Minute), Settings: plain, Why: "a million events a second as they come"},
		{Name: "live/zstd/64p/filter", Kind: report.Live, Workload: rated(w, 600_000, 3*time.Minute), Settings: filtered, Why: "with keys that can be found"},
	}
}

// uncompressed: producers that leave compression to the archiver.
func uncompressed() []Spec {
	w := orders("none", 64, 40_000_000) // 10 GB in the broker
	all := []Spec{{Name: "backlog/none/64p/floor", Kind: report.Floor, Workload: w, Why: "the floor does not compress"}}
	for _, c := range []string{"s2", "zstd"} {
		all = append(all, Spec{Name: "backlog/none/64p/" + c, Kind: report.Backlog, Workload: w, Settings: report.Settings{Compression: c}, Why: "blocks compressed by the archiver"})
	}
	return all
}

// peers is the workload of other programs' published tests.
func peers() []Spec {
	w := orders("zstd", 64, 30_000_000)
	w.EventBytes, w.Ratio = peerBytes, peerRatio
	return archiving("backlog/zstd/1200B/64p", w)
}

// wayBack reads one archive of a hundred million events in every way. Printing
// them all as JSON would take longer than it tells, so cat has fewer.
func wayBack() []Spec {
	w, few := orders("zstd", 64, 100_000_000), orders("zstd", 64, 10_000_000)
	return []Spec{
		{Name: "restore/zstd/64p", Kind: report.Restore, Workload: w, Settings: filtered, Why: "back into Kafka, whole batches"},
		{Name: "verify/zstd/64p", Kind: report.Verify, Workload: w, Settings: filtered, Why: "every byte read and every record decoded"},
		{Name: "find/zstd/64p/empty", Kind: report.Find, Workload: w, Settings: filtered, Keys: 20, Why: "one key among a hundred million events, without an index"},
		{Name: "find/zstd/64p/warm", Kind: report.Find, Workload: w, Settings: filtered, Keys: 100, Warm: true, Why: "the same with the archiver's index"},
		{Name: "cat/zstd/64p", Kind: report.Cat, Workload: few, Settings: filtered, Why: "records as JSON lines"},
	}
}

// scale shows whether the cost of an event grows with partitions or with what
// is stored: it must not.
func scale() []Spec {
	var all []Spec
	for _, n := range []int{1, 10, 100, 1000} {
		all = append(all, Spec{Name: fmt.Sprintf("scale/%dp", n), Kind: report.Backlog, Workload: orders("zstd", n, 20_000_000), Settings: plain, Why: "CPU of an event over partitions"})
	}
	for _, n := range []int64{2, 20, 200} {
		all = append(all, Spec{Name: fmt.Sprintf("scale/%dM", n), Kind: report.Backlog, Workload: orders("zstd", 64, n*1_000_000), Settings: plain, Why: "CPU of an event over what is stored, 0.2 to 20 GB in both regions"})
	}
	return all
}

// memory is measured on embedded parts: a real broker with ten thousand
// partitions would need the machine for itself, and the archiver's memory does
// not depend on whose answers it holds.
func memory() []Spec {
	var all []Spec
	for _, n := range []int{64, 10_000} {
		idle := rated(orders("zstd", n, 0), 100, time.Minute)
		idle.BatchEvents = 1
		all = append(all,
			Spec{Name: fmt.Sprintf("memory/%dp/backlog", n), Kind: report.Backlog, Workload: orders("zstd", n, 10_000_000), Settings: filtered, Embedded: true, Why: "memory while catching up"},
			Spec{Name: fmt.Sprintf("memory/%dp/idle", n), Kind: report.Live, Workload: idle, Settings: filtered, Embedded: true, Why: "memory while next to nothing comes"},
		)
	}
	return all
}
