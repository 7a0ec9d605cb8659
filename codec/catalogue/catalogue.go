// Package catalogue holds the pages that tell of roll-ups: what large segments
// there are in a closed span of time of a partition, and which small segments
// each of them was made from. codec/FORMAT.md specifies a page.
//
// A reader takes a page for a hint: it saves the footers of the segments that
// it names, and what is read from those is verified all the same. Only one
// thing rests on a page, and so it is signed: a segment that a page says to be
// held by a roll-up may be missing. It has lapsed, and nobody copies it back.
package catalogue

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// MaxHeld bounds the segments that one page says to be held. Each takes 11
// bytes of base64; the page stays far below signed.MaxFile.
const MaxHeld = 50_000

// Page is the document of a catalogue page.
type Page struct {
	Archive   names.ArchiveID `json:"archive"`
	Topic     string          `json:"topic"`
	Lineage   names.Lineage   `json:"lineage"`
	Partition int32           `json:"partition"`
	// Base and Next are the first and the last of the segments' ends.
	Base int64 `json:"base"`
	Next int64 `json:"next"`
	// From and To are the span of time in which what is held was begun,
	// [From, To).
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Segments are the roll-ups, in offset order.
	Segments []Segment `json:"segments"`
}

// Segment is a roll-up as its footer tells, and what it was made from.
type Segment struct {
	Base   int64        `json:"base"`
	Next   int64        `json:"next"`
	Digest names.Digest `json:"digest"`
	Prev   names.Digest `json:"prev"`
	// Size is in bytes as stored.
	Size    int64  `json:"size"`
	Records uint64 `json:"records"`
	// MinTimestamp and MaxTimestamp are in ms, nil where they are not known or
	// where there is no record.
	MinTimestamp *int64    `json:"min_timestamp,omitempty"`
	MaxTimestamp *int64    `json:"max_timestamp,omitempty"`
	Created      time.Time `json:"created"`
	RetainUntil  time.Time `json:"retain_until"`
	// Holds are the digests, as they stand in names (8 bytes each), of the
	// segments that it was made from.
	Holds []byte `json:"holds"`
	// Ends is the digest of one held that ends at Next; a segment that follows
	// may name it as its predecessor. It is zero when none ends there.
	Ends names.Digest `json:"ends"`
}

// EntryOf makes the entry of a roll-up from what its tail says.
func EntryOf(s *segment.Reader) Segment {
	h, f := s.Header(), s.Footer()
	return Segment{
		Base: h.Base, Next: f.Next, Digest: s.Digest(), Prev: f.Prev, Size: s.Size(), Records: f.Records,
		MinTimestamp: stamp(f.MinTimestamp()), MaxTimestamp: stamp(f.MaxTimestamp()),
		Created: h.Created, RetainUntil: h.RetainUntil,
	}
}

func stamp(ms int64) *int64 {
	if ms == segment.NoTimestamp {
		return nil
	}
	return &ms
}

// Hold adds a segment to those that the roll-up was made from.
func (s *Segment) Hold(r names.Range, digest names.Digest) {
	s.Holds = append(s.Holds, r.Digest[:]...)
	if r.Next == s.Next {
		s.Ends = digest
	}
}

// Held is how many segments the roll-up was made from.
func (s *Segment) Held() int { return len(s.Holds) / len(names.Short{}) }

// Has reports whether the roll-up was made from a segment.
func (s *Segment) Has(r names.Range) bool {
	if r.Kind != names.KindSegment || r.Base < s.Base || r.Next > s.Next {
		return false
	}
	for chunk := range slices.Chunk(s.Holds, len(r.Digest)) {
		if names.Short(chunk) == r.Digest {
			return true
		}
	}
	return false
}

// Name returns the name of the roll-up's object.
func (p *Page) Name(s *Segment) names.Range {
	return names.Range{Partition: p.PartitionName(), Base: s.Base, Next: s.Next, Digest: s.Digest.Short(), Kind: names.KindSegment}
}

// PartitionName returns the partition that the page is about.
func (p *Page) PartitionName() names.Partition {
	return names.Partition{Topic: p.Topic, Lineage: p.Lineage, Number: p.Partition}
}

// Seal signs a page and returns its name and bytes.
func Seal(s *signed.Signer, p *Page) (names.CataloguePage, []byte, error) {
	if err := p.validate(); err != nil {
		return names.CataloguePage{}, nil, fmt.Errorf("seal catalogue page: %w", err)
	}
	file, err := s.Seal(signed.KindCatalogue, p)
	if err == nil && len(file) > signed.MaxFile {
		err = fmt.Errorf("%d bytes, above the limit of %d", len(file), signed.MaxFile)
	}
	if err != nil {
		return names.CataloguePage{}, nil, fmt.Errorf("seal catalogue page: %w", err)
	}
	return p.name(file), file, nil
}

func (p *Page) name(file []byte) names.CataloguePage {
	digest := names.Digest(sha256.Sum256(file))
	return names.CataloguePage{Partition: p.PartitionName(), Base: p.Base, Next: p.Next, Digest: digest.Short()}
}

// Open reads a page that was found under a name. Errors wrap
// signed.ErrSignature, segment.ErrName or segment.ErrDamaged.
func Open(name string, file []byte, t *signed.Trust) (*Page, error) {
	p := &Page{}
	if err := signed.Open(file, signed.KindCatalogue, t, signed.RoleArchive, p); err != nil {
		if !errors.Is(err, signed.ErrSignature) {
			err = fmt.Errorf("%w: %w", err, segment.ErrDamaged)
		}
		return nil, err
	}
	if p.Archive != t.Archive() {
		return nil, fmt.Errorf("catalogue page belongs to archive %s, this is %s: %w", p.Archive, t.Archive(), signed.ErrSignature)
	}
	if err := p.validate(); err != nil {
		return nil, fmt.Errorf("catalogue page: %w: %w", err, segment.ErrDamaged)
	}
	if own := p.name(file).String(); own != name {
		return nil, fmt.Errorf("object %q is %s: %w", name, own, segment.ErrName)
	}
	return p, nil
}

// validate has one if and one message for each rule.
func (p *Page) validate() error {
	if err := names.CheckTopic(p.Topic); err != nil {
		return err
	}
	if p.Partition < 0 {
		return fmt.Errorf("partition %d is below 0", p.Partition)
	}
	if !p.From.Before(p.To) {
		return fmt.Errorf("span of time [%s, %s) is empty", p.From, p.To)
	}
	if len(p.Segments) == 0 {
		return errors.New("no segments")
	}
	if first, last := p.Segments[0], p.Segments[len(p.Segments)-1]; p.Base != first.Base || p.Next != last.Next {
		return fmt.Errorf("offsets [%d, %d): its segments are [%d, %d)", p.Base, p.Next, first.Base, last.Next)
	}
	at := int64(0)
	held := 0
	for i := range p.Segments {
		s := &p.Segments[i]
		if s.Base < at || s.Next <= s.Base {
			return fmt.Errorf("segment %d: offsets [%d, %d): want base < next and nothing below %d", i, s.Base, s.Next, at)
		}
		if len(s.Holds)%len(names.Short{}) != 0 || len(s.Holds) == 0 {
			return fmt.Errorf("segment %d: holds %d bytes: want one digest of %d bytes or more", i, len(s.Holds), len(names.Short{}))
		}
		at = s.Next
		held += s.Held()
	}
	if held > MaxHeld {
		return fmt.Errorf("%d segments held: want at most %d", held, MaxHeld)
	}
	return nil
}
