package capacity

import "github.com/tidemark-io/tidemark/bench/report"

// priorArchive is what the steps cost one by one on a 2.5 GHz core, from the
// measurements that MODEL.md lists. It only has to be right in proportion: the
// fit scales it to the machine and moves what the points tell.
func priorArchive(m report.Machine) Costs {
	sealed := 0.45 + 4.5 + 2 // AES-256-GCM, SHA-256, two PUTs with CRC-32C
	if m.SHA {
		sealed = 0.45 + 0.75 + 2
	}
	return Costs{
		Batch: 2000, Wire: 0.9, Sealed: sealed, Key: 125, Segment: 1e6, Partition: 20_000, Start: 3e8,
		Compress: map[string]float64{"zstd": 6.7, "s2": 1.8},
		Open:     map[string]float64{"gzip": 5, "snappy": 1.2, "lz4": 1.8, "zstd": 3},
	}
}

// priorRestore is the same for restore: read, check, open and produce again.
func priorRestore(m report.Machine) Costs {
	a := priorArchive(m)
	return Costs{Batch: 5000, Wire: 2, Sealed: a.Sealed, Segment: 1e6, Start: 3e8}
}

// priorShrink is by how much less than zstd the codecs save on whole batches:
// s2 2.9 against zstd 5.2 on order events.
func priorShrink() map[string]float64 {
	return map[string]float64{"zstd": 1, "gzip": 0.95, "lz4": 0.5, "snappy": 0.45, "s2": 0.45}
}

// What else is taken where the points do not tell.
const (
	priorRecordBytes = 10.0 // length, attributes, deltas, key and value length
	batchHeader      = 61.0
	priorFilterBytes = 1.25
	priorStore       = 1.0 // seconds
	priorLists       = 3.0 // tails, healing, index
	priorGets        = 4.0
)

func priorMemory() Memory { return Memory{Base: 60 << 20, Partition: 40 << 10, Budget: 1.2} }
