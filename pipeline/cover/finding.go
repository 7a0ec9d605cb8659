package cover

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Kind names what a finding is about.
type Kind string

// The kinds of findings.
const (
	// KindDamaged: bytes were changed or cut off; length or checksum is not
	// what it must be.
	KindDamaged Kind = "damaged"
	// KindForged: no key that this archive trusts for it signed the object.
	KindForged Kind = "forged"
	// KindMisplaced: a sound object under a name that is not its own.
	KindMisplaced Kind = "misplaced"
	// KindWrongKey: the secret in the key page is not the segment's.
	KindWrongKey Kind = "wrong-key"
	// KindNoPage: the region lacks the key page of a segment it holds.
	KindNoPage Kind = "key-page-missing"
	// KindBadPage: the key page is there and is not signed by this archive.
	KindBadPage Kind = "key-page-forged"
	// KindVersion: made by another version of tidemark.
	KindVersion Kind = "unknown-version"
	// KindAbsent: the object was listed or expected and is not there.
	KindAbsent Kind = "absent"
	// KindUnreachable: the store or the KMS did not answer; nothing is known
	// about the object.
	KindUnreachable Kind = "unreachable"
	// KindUnknownName: an object whose name tidemark did not give. It is not read.
	KindUnknownName Kind = "unknown-name"
	// KindConflict: two signed copies hold different records at one offset.
	KindConflict Kind = "conflict"
	// KindGap: offsets known to be missing, with a signed gap that says why.
	KindGap Kind = "gap"
	// KindLost: offsets that no copy serves.
	KindLost Kind = "lost"
	// KindChain: a segment or gap names a predecessor that is not the one that
	// ends where it begins.
	KindChain Kind = "chain"
	// KindOverlap: several objects hold the same offsets, which is no harm.
	KindOverlap Kind = "overlap"
	// KindNoBeginning: the first object of a partition names a predecessor that
	// no region holds.
	KindNoBeginning Kind = "no-beginning"
	// KindLapsed: a segment is gone from a region because a roll-up holds it.
	KindLapsed Kind = "lapsed"
)

// advice says what a person does about a kind of finding.
var advice = map[Kind]string{
	KindDamaged:     "another copy serves the offsets if there is one; delete this version as soon as its lock allows it, then run heal",
	KindForged:      "find out who wrote it; readers ignore it; delete this version, then run heal",
	KindMisplaced:   "find out who copied it there; readers ignore it; delete this version",
	KindWrongKey:    "compare the key pages of the regions; another region's page may be the right one",
	KindNoPage:      "run heal: it copies the page from a region that has it",
	KindBadPage:     "find out who wrote the page; restore an older version of it",
	KindVersion:     "use a version of tidemark that knows it",
	KindAbsent:      "run heal",
	KindUnreachable: "run again when store and KMS answer",
	KindUnknownName: "find out who put it there; tidemark does not read it",
	KindConflict:    "the log was probably truncated by an unclean election; compare the copies by inspect",
	KindGap:         "nothing: the gap is known and signed",
	KindLost:        "bring a copy of the objects back, or archive the offsets again while Kafka has them",
	KindChain:       "an object was removed or replaced: look for its digest in older versions of the stores",
	KindOverlap:     "nothing: readers merge them",
	KindNoBeginning: "bring a copy of the missing object back",
	KindLapsed:      "nothing: rollup --lapse goes on where it stopped",
}

// Advice says what to do about a finding of this kind.
func (k Kind) Advice() string { return advice[k] }

// Finding is something that a person should know about.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Region string `json:"region,omitempty"`
	// Object is its name; it may be one that tidemark never gave.
	Object string `json:"object,omitempty"`
	// Partition is its folder.
	Partition string `json:"partition,omitempty"`
	// Offsets are those concerned, nil where none are known.
	Offsets *Offsets `json:"offsets,omitempty"`
	Detail  string   `json:"detail"`
	Advice  string   `json:"advice,omitempty"`
}

func (f Finding) String() string {
	s := string(f.Kind)
	if f.Region != "" {
		s += " in region " + f.Region
	}
	if f.Object != "" {
		s += fmt.Sprintf(": %q", f.Object)
	}
	if f.Offsets != nil {
		s += fmt.Sprintf(": offsets %s", f.Offsets)
	}
	return s + ": " + f.Detail
}

// Silent makes a finding of every region that was left out: it did not answer,
// or is not this archive's. The partition is that which was looked at, its folder
// or empty.
func Silent(down map[string]error, partition string) []Finding {
	var all []Finding
	for _, region := range slices.Sorted(maps.Keys(down)) {
		k := kindOf(down[region])
		f := Finding{Kind: k, Region: region, Partition: partition, Detail: down[region].Error(), Advice: k.Advice()}
		if copied := (*CopyError)(nil); errors.As(down[region], &copied) {
			f.Object, f.Detail = copied.Object, copied.Err.Error()
		}
		all = append(all, f)
	}
	return all
}

// FindingOf makes a finding of a copy that does not count.
func FindingOf(c Candidate, e *CopyError) Finding {
	o := Offsets{c.Base, c.Next}
	return Finding{
		Kind: e.Kind(), Region: e.Region, Object: e.Object, Partition: c.Partition.String(), Offsets: &o,
		Detail: e.Err.Error(), Advice: e.Kind().Advice(),
	}
}
