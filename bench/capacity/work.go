package capacity

import "math"

// work is what was, or has to be, done: the quantities that costs go with.
type work struct {
	events   float64
	plain    float64 // bytes of the records, uncompressed
	wire     float64 // bytes of the batches, as the broker has them
	sealed   float64 // bytes of the segments
	batches  float64
	segments float64
	// partitionSeconds is partitions times seconds.
	partitionSeconds float64
	starts           float64

	codec       string // of the producers
	compression string // of blocks
	filter      bool
}

// Codecs are what producers may use; compressions are for blocks.
func Codecs() []string { return []string{"none", "gzip", "snappy", "lz4", "zstd"} }

func compressions() []string { return []string{"zstd", "s2"} }

// compressed and opened list the maps of Costs in a fixed order.
func compressed() []string { return compressions() }
func opened() []string     { return Codecs()[1:] }

// quantities are what each cost of a vector is multiplied with.
func (w work) quantities() []float64 {
	v := []float64{w.batches, w.wire, w.sealed, 0, w.segments, w.partitionSeconds, w.starts}
	if w.filter {
		v[3] = w.events
	}
	for _, c := range compressed() {
		v = append(v, only(w.codec == "none" && w.compression == c, w.wire))
	}
	for _, c := range opened() {
		v = append(v, only(w.filter && w.codec == c, w.plain))
	}
	return v
}

func only(is bool, v float64) float64 {
	if is {
		return v
	}
	return 0
}

// vector are the costs in the order of work.quantities.
func (c Costs) vector() []float64 {
	v := []float64{c.Batch, c.Wire, c.Sealed, c.Key, c.Segment, c.Partition, c.Start}
	for _, name := range compressed() {
		v = append(v, c.Compress[name])
	}
	for _, name := range opened() {
		v = append(v, c.Open[name])
	}
	return v
}

// costsOf is the opposite of vector.
func costsOf(v []float64) Costs {
	c := Costs{Batch: v[0], Wire: v[1], Sealed: v[2], Key: v[3], Segment: v[4], Partition: v[5], Start: v[6],
		Compress: map[string]float64{}, Open: map[string]float64{}}
	v = v[7:]
	for i, name := range compressed() {
		c.Compress[name] = v[i]
	}
	v = v[len(compressed()):]
	for i, name := range opened() {
		c.Open[name] = v[i]
	}
	return c
}

// cpu is what the work takes, in seconds of CPU.
func (c Costs) cpu(w work) float64 {
	return dot(c.vector(), w.quantities()) / 1e9
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// sizes are the bytes of a format, of FORMAT.md.
const (
	headerBytes  = 122.0 + 24 // section 1.1, with a topic name of 24 bytes
	footerBytes  = headerBytes + 72
	trailerBytes = 84.0
	entryBytes   = 170.0
	sealBytes    = 28.0 // nonce and tag
	filterHead   = 17.0
	// pageBytes is a key page's file: 256 slots of 33 bytes, sealed, in base64,
	// with document and signature.
	pageBytes = 256*33*4.0/3 + 500
	// pageSlots is how many segments share a page (sinks/keys.DefaultSlots).
	pageSlots = 256.0
	// blockBytes is the body after which a block is sealed, the default.
	blockBytes = 1 << 20
)

// wireBytes is what an event takes as a part of a batch.
func (p Profile) wireBytes(w Workload) float64 {
	plain := float64(w.EventBytes) + p.RecordBytes
	return plain/p.ratio(w.Codec, w.Compressibility) + p.BatchBytes/w.BatchEvents
}

// ratio is uncompressed over compressed under a codec, for data that zstd
// shrinks by the factor given.
func (p Profile) ratio(codec string, compressibility float64) float64 {
	if codec == "none" {
		return 1
	}
	share, ok := p.Shrink[codec]
	if !ok {
		share = 1
	}
	return 1 + (compressibility-1)*share
}

// bodyBytes is what an event takes in a block's stored body: the batches as
// they came, or compressed if they came uncompressed.
func (p Profile) bodyBytes(w Workload) float64 {
	wire := p.wireBytes(w)
	if w.Codec != "none" || w.Compression == "none" {
		return wire
	}
	name := w.Compression
	if _, ok := p.Shrink[name+"/block"]; ok { // measured on blocks
		name += "/block"
	}
	return wire / p.ratio(name, w.Compressibility)
}

// sealedBytes is what n events in segments take in a region, without key pages.
func (p Profile) sealedBytes(w Workload, events, segments float64) float64 {
	perEvent := p.bodyBytes(w)
	if w.KeyFilter {
		perEvent += p.FilterBytes
	}
	blocks := math.Max(segments, events*p.wireBytes(w)/blockBytes)
	perBlock := sealBytes + entryBytes
	if w.KeyFilter {
		perBlock += sealBytes + filterHead
	}
	return events*perEvent + blocks*perBlock + segments*(headerBytes+footerBytes+trailerBytes)
}
