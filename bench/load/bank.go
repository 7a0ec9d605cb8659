package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

const (
	// fresh is how much of a partition passes, uncompressed, before a template
	// comes again: more than any block or window that a compressor sees.
	fresh = 2 << 20
	// maxBank bounds the bank, in bytes before compression.
	maxBank = 512 << 20
	// minShared is how many templates there are at least, where partitions
	// share them.
	minShared = 128
)

// bank is the encoded batches of a run.
type bank struct {
	// shared serves every partition, or own has templates for each.
	shared []*template
	own    [][]*template
	// strewn are the needles' batches, by partition.
	strewn  map[int32][]*template
	needles []needle
	weights []float64 // of the partitions; nil when all are equal
	totals  totals
}

// totals are sums over the templates.
type totals struct {
	events, bytes, plain, wire int64
}

// ratio is how far the batches are compressed.
func (t totals) ratio() float64 { return float64(t.plain) / float64(t.wire) }

// template is what a partition sends as its n-th batch. Partitions that share a
// bank begin at different places in it.
func (b *bank) template(p int32, n int64) *template {
	if b.own != nil {
		return b.own[p][n%int64(len(b.own[p]))]
	}
	return b.shared[(int64(p)*31+n)%int64(len(b.shared))]
}

func newBank(o Options) (*bank, error) {
	s := newSource(o, 0, openOrders)
	b := &bank{strewn: map[int32][]*template{}}
	if k := o.Workload.KeySkew; k > 0 {
		s.skew = newSkew(k, o.Seed)
		if o.Partitioned {
			b.weights = s.skew.weights(o.Workload.Partitions)
		}
	}
	if err := fit(s, o); err != nil {
		return nil, err
	}
	var err error
	if b.needles, err = needles(o, s.shape, o.Needles); err != nil {
		return nil, err
	}
	return b, newBuild(o, b, s).run()
}

// build fills a bank: one goroutine makes events, the others encode them.
type build struct {
	options Options
	bank    *bank
	source  *source
	groups  int // 1, or the partitions
	each    int // templates of a group
	buckets [][]event
	rng     *rand.Rand

	encoders sync.Pool
	work     *errgroup.Group
	failed   context.Context // over once an encoder has failed
}

func newBuild(o Options, b *bank, s *source) *build {
	codec, _ := codecOf(o.Workload.Codec)
	u := &build{options: o, bank: b, source: s, groups: 1, rng: rand.New(rand.NewPCG(o.Seed, 3))}
	u.encoders.New = func() any { return &encoder{codec: codec} }
	u.work, u.failed = errgroup.WithContext(context.Background())
	u.work.SetLimit(runtime.GOMAXPROCS(0))
	size := o.Workload.BatchEvents * max(o.Workload.EventBytes, minEventBytes)
	u.each = max(fresh/size+1, minShared)
	if o.Partitioned {
		u.groups = o.Workload.Partitions
		u.each = max(min(fresh/size+1, maxBank/size/u.groups), 1)
	}
	u.buckets = make([][]event, u.groups)
	return u
}

func (u *build) run() error {
	w := u.options.Workload
	if size := u.groups * u.each * w.BatchEvents * w.EventBytes; size > maxBank {
		return fmt.Errorf("a bank for each of %d partitions would have %d bytes, above %d: ask for smaller batches, or not for keys in their own partitions", u.groups, size, maxBank)
	}
	groups := make([][]*template, u.groups)
	for g := range groups {
		groups[g] = make([]*template, u.each)
		for i := range groups[g] {
			if u.failed.Err() != nil {
				return u.work.Wait()
			}
			u.encode(u.take(g, w.BatchEvents), -1, &groups[g][i])
		}
	}
	strewn := u.strew()
	if err := u.work.Wait(); err != nil {
		return err
	}
	for i, t := range strewn {
		p := u.bank.needles[(*t).needle].partition
		u.bank.strewn[p] = append(u.bank.strewn[p], *strewn[i])
	}
	u.bank.shared = groups[0]
	if u.options.Partitioned {
		u.bank.own = groups
	}
	u.bank.add(groups)
	return nil
}

func (u *build) encode(events []event, needle int32, to **template) {
	u.work.Go(func() (err error) {
		e := u.encoders.Get().(*encoder)
		defer u.encoders.Put(e)
		*to, err = e.encode(events, needle)
		return err
	})
}

// strew encodes a batch for each event of a needle, among others of its
// partition. Needles take turns, so that the events of one are far apart.
func (u *build) strew() (out []**template) {
	for turn := range maxNeedleEvents {
		for i, n := range u.bank.needles {
			if turn >= len(n.events) {
				continue
			}
			batch := u.take(int(n.partition)%u.groups, u.options.Workload.BatchEvents)
			batch[u.rng.IntN(len(batch))] = n.events[turn]
			to := new(*template)
			u.encode(batch, int32(i), to)
			out = append(out, to)
		}
	}
	return out
}

// take makes n events of a group. Those of other groups wait for their turn, as
// many as these will need.
func (u *build) take(g, n int) []event {
	for len(u.buckets[g]) < n {
		e, at := u.source.next(), 0
		if u.groups > 1 {
			at = int(partitionOf(e.key, u.groups))
		}
		if len(u.buckets[at]) < (u.each+1)*n {
			u.buckets[at] = append(u.buckets[at], e)
		}
	}
	out := u.buckets[g][:n:n]
	u.buckets[g] = u.buckets[g][n:]
	return out
}

// add sums up the templates, each group by its weight in the run.
func (b *bank) add(groups [][]*template) {
	for g, group := range groups {
		weight := int64(1)
		if b.weights != nil {
			weight = int64(b.weights[g] * 1e6)
		}
		for _, t := range group {
			b.totals.events += weight * int64(t.events)
			b.totals.bytes += weight * t.bytes
			b.totals.plain += weight * t.plain
			b.totals.wire += weight * int64(len(t.batch))
		}
	}
}

// codecForRatio is what a ratio is measured with: where the producer does not
// compress, what another could make of it.
func codecForRatio(o Options) recordbatch.Codec {
	if c, _ := codecOf(o.Workload.Codec); c != recordbatch.CodecNone {
		return c
	}
	return recordbatch.CodecZstd
}
