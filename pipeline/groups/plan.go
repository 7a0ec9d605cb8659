package groups

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/marks"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// planVersion changes when a plan of an earlier program must not be applied.
const planVersion = 1

// rule is shown with every plan.
const rule = "each group goes on where the newest mark at or before the moment has it: what it read after the mark it reads again, and it misses no record"

// Plan says where consumer groups go on in what a restore brings back. It is
// JSON, and its digest covers all the rest of it.
type Plan struct {
	Version int `json:"version"`
	// Restore is the digest of the plan of the restore that this belongs to,
	// Cluster the id of its target, empty where it has none.
	Restore names.Digest `json:"restore"`
	Cluster string       `json:"target_cluster,omitempty"`
	// Rule is in words what decides.
	Rule string `json:"rule"`
	// Moment is that of the restore, Mark the instant of the newest document that
	// the offsets come from. That of each offset stands beside it.
	Moment    time.Time `json:"moment,omitzero"`
	Mark      time.Time `json:"mark"`
	Documents []string  `json:"documents"`
	// Groups are sorted by name.
	Groups []Group `json:"groups"`
	// Shares are share groups: their positions are not kept, and not restored.
	Shares []marks.ShareGroup `json:"share_groups,omitempty"`
	// Warnings are what a person should know before the plan is applied.
	Warnings []string     `json:"warnings,omitempty"`
	Digest   names.Digest `json:"digest"`
}

// Group is one consumer group.
type Group struct {
	Name string `json:"group"`
	// Into is the name of the group on the target.
	Into     string `json:"into"`
	Protocol string `json:"protocol,omitempty"`
	// Unread says why the group could not be read at the instant of the mark: its
	// offsets are of an earlier time then.
	Unread  string   `json:"unread,omitempty"`
	Offsets []Offset `json:"offsets"`
	// Refusal says why Apply leaves the group alone; empty when it does not.
	Refusal string `json:"refused,omitempty"`
}

// Offset is where a group goes on in one partition.
type Offset struct {
	Topic     string `json:"topic"`
	Into      string `json:"into"`
	Partition int32  `json:"partition"`
	// Committed is the archived offset that the group would read next, with what
	// it had committed beside it, read at At.
	Committed int64     `json:"committed"`
	Metadata  string    `json:"metadata,omitempty"`
	At        time.Time `json:"at"`
	// Lag is how many offsets the group was behind the last stable offset then;
	// -1 where that is not known.
	Lag int64 `json:"lag"`
	// Target is the restored offset, Clamped why it is not exactly the group's.
	Target  int64         `json:"target"`
	Clamped restore.Clamp `json:"clamped,omitempty"`
}

// Clamped returns how many offsets lie beyond what comes back.
func (p *Plan) Clamped() (n int) {
	for _, g := range p.Groups {
		for _, o := range g.Offsets {
			if o.Clamped != "" {
				n++
			}
		}
	}
	return n
}

// RefusedError reports groups that are not put anywhere. Nothing was written.
type RefusedError struct{ Groups []Group }

func (e *RefusedError) Error() string {
	text := "consumer groups refused"
	for i, g := range e.Groups {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		text += fmt.Sprintf("%sgroup %s: %s", sep, g.Into, g.Refusal)
	}
	return text
}

// Refused returns a [RefusedError] if a group of the plan is refused.
func (p *Plan) Refused() error {
	var refused []Group
	for _, g := range p.Groups {
		if g.Refusal != "" {
			refused = append(refused, g)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return &RefusedError{Groups: refused}
}

// LeaveOut takes the refused groups out of the plan, and returns them: Apply then
// puts the others where they were, and does not touch these.
func (p *Plan) LeaveOut() (out []Group, err error) {
	kept := []Group{}
	for _, g := range p.Groups {
		if g.Refusal == "" {
			kept = append(kept, g)
			continue
		}
		out = append(out, g)
	}
	p.Groups = kept
	p.Digest, err = p.sum()
	return out, err
}

// Check recomputes the digest, of a plan that was kept in a file.
func (p *Plan) Check() error {
	if p.Version != planVersion {
		return fmt.Errorf("check plan of consumer groups: version %d, this program applies version %d", p.Version, planVersion)
	}
	d, err := p.sum()
	if err == nil && d != p.Digest {
		err = errors.New("its digest is not that of its content: it was changed")
	}
	if err != nil {
		return fmt.Errorf("check plan of consumer groups: %w", err)
	}
	return nil
}

func (p *Plan) sum() (names.Digest, error) {
	unsealed := *p
	unsealed.Digest = names.Digest{}
	b, err := json.Marshal(unsealed)
	return sha256.Sum256(b), err
}
