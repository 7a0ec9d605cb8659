package acls

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// ErrRefused means that a plan is not executed.
var ErrRefused = errors.New("restoring access rules is refused")

// Options say which rules are restored, and how.
type Options struct {
	// Topics are the topics that are restored, by their archived name, and what
	// they are called in the target. Rules of topics then come back for these
	// alone, under the new names; rules that are not of topics come back as they
	// are. None at all brings every rule back as it is.
	Topics map[string]string
}

// Item is one rule in a plan.
type Item struct {
	Rule
	// There tells that the target has it already.
	There bool `json:"there"`
}

// Plan is what a restore of access rules would do.
type Plan struct {
	// At is the instant of the set that is restored, Set its digest.
	At    time.Time         `json:"at"`
	Set   string            `json:"set"`
	Items []Item            `json:"items"`
	Topic map[string]string `json:"topics,omitempty"` // Options.Topics
	// Others is how many rules the target has that this does not speak of. They
	// stay.
	Others int `json:"others"`
	// Refusals say why it cannot be executed.
	Refusals []string `json:"refusals,omitempty"`
	// Notes say what a person should know.
	Notes []string `json:"notes,omitempty"`
}

// Missing are the rules that would be made.
func (p *Plan) Missing() []Rule {
	var list []Rule
	for _, i := range p.Items {
		if !i.There {
			list = append(list, i.Rule)
		}
	}
	return list
}

// NewPlan compares the rules that were kept last at or before an instant with a
// cluster.
func NewPlan(ctx context.Context, a *cover.Archive, at time.Time, target *kgo.Client, o Options) (*Plan, error) {
	set, err := At(ctx, a, at)
	if err != nil {
		return nil, err
	}
	return planOf(ctx, set, target, o)
}

func planOf(ctx context.Context, set *Set, target *kgo.Client, o Options) (*Plan, error) {
	there, err := Describe(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("look at the target: %w", err)
	}
	p := &Plan{At: set.At, Set: set.Digest, Topic: o.Topics}
	rules := o.apply(set.What.List, p)
	for _, r := range rules {
		_, has := slices.BinarySearchFunc(there.List, r, compare)
		p.Items = append(p.Items, Item{Rule: r, There: has})
	}
	p.Others = len(there.List) - (len(p.Items) - len(p.Missing()))
	p.remark(set, there)
	return p, nil
}

// apply chooses and renames.
func (o Options) apply(rules []Rule, p *Plan) []Rule {
	if len(o.Topics) == 0 {
		return rules
	}
	var list []Rule
	for _, r := range rules {
		if r.Type != typeTopic || r.Pattern == patternLiteral && r.Resource == wildcard {
			list = append(list, r)
			continue
		}
		list = append(list, o.topicRule(r, p)...)
	}
	return Rules{List: list}.sorted().List
}

// topicRule returns what becomes of a topic's rule. A prefixed rule covers
// topics that are not restored too, so it comes back only where it goes on to
// cover a restored one under its new name; for the others a literal rule for
// the new name takes its place.
func (o Options) topicRule(r Rule, p *Plan) []Rule {
	var list []Rule
	for old, now := range o.Topics {
		switch {
		case r.Pattern == patternLiteral && r.Resource == old:
			r := r
			r.Resource = now
			list = append(list, r)
		case r.Pattern == patternPrefixed && strings.HasPrefix(old, r.Resource) && strings.HasPrefix(now, r.Resource):
			list = append(list, r)
		case r.Pattern == patternPrefixed && strings.HasPrefix(old, r.Resource):
			literal := r
			literal.Pattern, literal.Resource = patternLiteral, now
			list = append(list, literal)
			p.Notes = append(p.Notes, fmt.Sprintf("the rule for topics that begin with %s does not cover %s, which was %s: it gets a rule of its own", r.Resource, now, old))
		}
	}
	return list
}

func (p *Plan) remark(set *Set, there Rules) {
	add := func(format string, args ...any) { p.Notes = append(p.Notes, fmt.Sprintf(format, args...)) }
	if there.Disabled && len(p.Items) > 0 {
		p.Refusals = append(p.Refusals, fmt.Sprintf("the target takes no access rules: %v", ErrDisabled))
	}
	if set.What.Disabled {
		add("the source had no authorizer at %s: there are no rules", set.At.Format(time.RFC3339))
	}
	denies := 0
	for _, r := range p.Missing() {
		if r.Permission == permissionDeny {
			denies++
		}
	}
	if denies > 0 {
		add("%d of the rules deny something, and win over every rule of the target that allows it", denies)
	}
	for region := range set.Down {
		add("region %s did not answer: newer rules may lie there", region)
	}
	for _, err := range set.Skipped {
		add("newer rules were passed over: %v", err)
	}
	slices.Sort(p.Notes)
	p.Notes = slices.Compact(p.Notes)
}
