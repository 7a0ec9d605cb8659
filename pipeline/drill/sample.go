package drill

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// ruleOfSample is shown with every result.
const ruleOfSample = `of each topic, the share of its segments (rounded up) whose SHA-256 of "<seed>\n<name>" is lowest`

// chosen is the sample of one drill.
type chosen struct {
	segments []names.Range // sorted by name
	// all are the stored bytes of whole topics.
	all map[string]int64
	of  int
}

// choose takes the sample from the segments of a plan. The same seed chooses
// the same segments of the same names.
func choose(seed uint64, share float64, p *restore.Plan) (chosen, error) {
	c := chosen{all: map[string]int64{}}
	for _, t := range p.Topics {
		var of []string
		for _, pp := range t.Partitions {
			of = append(of, pp.Segments...)
			c.all[t.From] += pp.MaxBytes
		}
		c.of += len(of)
		for _, name := range lowest(seed, share, of) {
			r, err := names.ParseRange(name)
			if err != nil {
				return c, fmt.Errorf("choose the sample: %w", err)
			}
			c.segments = append(c.segments, r)
		}
	}
	slices.SortFunc(c.segments, func(a, b names.Range) int { return strings.Compare(a.String(), b.String()) })
	return c, nil
}

// lowest ranks names by their hashes and returns the first of them.
func lowest(seed uint64, share float64, of []string) []string {
	rank := make(map[string][sha256.Size]byte, len(of))
	for _, name := range of {
		rank[name] = sha256.Sum256(fmt.Appendf(nil, "%d\n%s", seed, name))
	}
	ranked := slices.SortedFunc(slices.Values(of), func(a, b string) int {
		x, y := rank[a], rank[b]
		return cmp.Or(bytes.Compare(x[:], y[:]), strings.Compare(a, b))
	})
	n := int(math.Ceil(share * float64(len(of))))
	return ranked[:min(n, len(ranked))]
}

// digest is the SHA-256 of the chosen names, one a line.
func (c chosen) digest() names.Digest {
	h := sha256.New()
	for _, r := range c.segments {
		io.WriteString(h, r.String()+"\n") // a hash takes everything
	}
	return names.Digest(h.Sum(nil))
}

// coverage is what of each partition the sample holds.
func (c chosen) coverage() map[names.Partition]*cover.Coverage {
	all := map[names.Partition]*cover.Coverage{}
	for _, r := range c.segments {
		if all[r.Partition] == nil {
			all[r.Partition] = &cover.Coverage{}
		}
		all[r.Partition].Add(cover.Offsets{Base: r.Base, Next: r.Next})
	}
	return all
}

// surveyed asks for the survey of each partition once: footers are many, and
// the sample is planned after the whole. It is safe for concurrent use.
type surveyed struct {
	restore.Source
	mu   sync.Mutex
	seen map[names.Partition]restore.Survey
}

func (s *surveyed) Survey(ctx context.Context, p names.Partition) (restore.Survey, error) {
	s.mu.Lock()
	found, ok := s.seen[p]
	s.mu.Unlock()
	if ok {
		return found, nil
	}
	found, err := s.Source.Survey(ctx, p)
	if err != nil {
		return found, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[p] = found
	return found, nil
}

// bytes returns the stored bytes of segments, by topic.
func (s *surveyed) bytes(of []names.Range) map[string]int64 {
	wanted := map[string]bool{}
	for _, r := range of {
		wanted[r.String()] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := map[string]int64{}
	for p, found := range s.seen {
		for _, seg := range found.Segments {
			if wanted[seg.Name] {
				sum[p.Topic] += seg.Bytes
			}
		}
	}
	return sum
}

// sampled is an archive that holds the sample only. Everything else of it is a
// gap, so that what plans and what restores need not know of samples.
type sampled struct {
	restore.Source
	names    map[string]bool
	coverage map[names.Partition]*cover.Coverage
}

func sampleOf(src restore.Source, c chosen) *sampled {
	s := &sampled{Source: src, names: map[string]bool{}, coverage: c.coverage()}
	for _, r := range c.segments {
		s.names[r.String()] = true
	}
	return s
}

// Partitions leaves out partitions that the sample has nothing of, whatever
// their lineage: a branch needs its parents.
func (s *sampled) Partitions(ctx context.Context, topic string) ([]names.Partition, error) {
	found, err := s.Source.Partitions(ctx, topic)
	numbers := map[int32]bool{}
	for p := range s.coverage {
		if p.Topic == topic {
			numbers[p.Number] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(found), func(p names.Partition) bool { return !numbers[p.Number] }), err
}

// notSampled is the reason of the gaps.
const notSampled = "not in the sample"

// Survey turns what is not in the sample into gaps.
func (s *sampled) Survey(ctx context.Context, p names.Partition) (restore.Survey, error) {
	whole, err := s.Source.Survey(ctx, p)
	if err != nil {
		return whole, err
	}
	part := restore.Survey{Parent: whole.Parent, Warnings: whole.Warnings}
	span := &cover.Coverage{}
	for _, seg := range whole.Segments {
		span.Add(cover.Offsets{Base: seg.Base, Next: seg.Next})
		if s.names[seg.Name] {
			part.Segments = append(part.Segments, seg)
		}
	}
	for _, g := range whole.Gaps {
		span.Add(cover.Offsets{Base: g.Base, Next: g.Next})
	}
	have := s.coverage[p]
	if have == nil {
		have = &cover.Coverage{}
	}
	for _, run := range span.Runs() {
		for _, o := range have.Missing(run) {
			part.Gaps = append(part.Gaps, restore.Gap{Base: o.Base, Next: o.Next, Reason: notSampled})
		}
	}
	return part, nil
}
