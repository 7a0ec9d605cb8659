package verify

import (
	"fmt"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// chain compares the predecessor that each object names with what is there.
// Objects that name none are the first of their writer and prove nothing.
func (v *verifier) chain(p names.Partition, all []seen) {
	byDigest := map[names.Digest]*cover.Object{}
	held := &cover.Coverage{}
	lowest := int64(-1)
	for _, s := range all {
		if o := s.candidate; lowest < 0 || o.Base < lowest {
			lowest = o.Base
		}
		if s.sound != nil {
			byDigest[s.sound.Digest] = s.sound
			held.Add(s.candidate.Offsets())
		}
	}
	for _, s := range all {
		if s.sound == nil || s.sound.Prev.IsZero() {
			continue
		}
		before := byDigest[s.sound.Prev]
		if before != nil && before.Name.Next == s.candidate.Base {
			continue
		}
		v.broken(p, s, before, lowest, held)
	}
}

// broken sorts a predecessor that is not there. If other objects hold the
// offset before, a copy of what is held was removed, and nothing is missing. If
// nothing does, the offsets are missing already, unless they are below the first
// name: then only the chain tells.
func (v *verifier) broken(p names.Partition, s seen, before *cover.Object, lowest int64, held *cover.Coverage) {
	base := s.candidate.Base
	f := cover.Finding{Kind: cover.KindChain, Object: s.candidate.String(), Partition: p.String(), Advice: cover.KindChain.Advice()}
	switch {
	case before != nil:
		f.Detail = fmt.Sprintf("it names %s as its predecessor, which ends at %d and not at %d", before.Name, before.Name.Next, base)
		v.find(f)
	case base == lowest && p.Lineage.Branch != names.RootBranch:
		// A branch begins at an object of the lineage it left.
	case base == lowest:
		f.Kind, f.Advice = cover.KindNoBeginning, cover.KindNoBeginning.Advice()
		f.Detail = fmt.Sprintf("something with digest %s ended at offset %d, and no region holds it", s.sound.Prev, base)
		v.find(f)
	case len(held.Missing(cover.Offsets{Base: base - 1, Next: base})) == 0:
		f.Detail = fmt.Sprintf("its predecessor %s is gone; other objects hold the offsets before it", s.sound.Prev)
		v.note(f)
	default:
		f.Detail = fmt.Sprintf("its predecessor %s is gone", s.sound.Prev)
		v.note(f)
	}
}
