package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Options say what of a set is restored.
type Options struct {
	// Choose picks subjects; nil picks all. What they refer to comes along.
	Choose func(subject string) bool
}

// State is what a restore would do with a version.
type State string

// The states.
const (
	// Make registers it, with its id and number.
	Make State = "make"
	// Same is there already, and is left alone.
	Same State = "same"
	// Delete is there, left by a restore that was interrupted, and is
	// soft-deleted as it was.
	Delete State = "delete"
	// Conflict is something else in the same place: the plan is refused.
	Conflict State = "conflict"
)

// Item is one version in a plan.
type Item struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
	ID      int    `json:"id"`
	State   State  `json:"state"`
	// Deleted tells that it was soft-deleted and will be.
	Deleted bool `json:"deleted,omitempty"`
	// Note says what a person should know: the conflict, or a difference that
	// stays.
	Note string `json:"note,omitempty"`
}

func (i Item) place() place { return place{i.Subject, i.Version} }

// Change is a subject's setting that becomes another. Empty is not set: then
// the registry's own counts.
type Change struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// SubjectPlan is what becomes of a subject's settings.
type SubjectPlan struct {
	Subject string `json:"subject"`
	// Mode is what it is now and what it will be in the end. While versions are
	// made it is IMPORT.
	Mode Change `json:"mode"`
	// Config is nil where it stays as it is.
	Config *Change `json:"config,omitempty"`
	// Has tells that the target has versions of it.
	Has bool `json:"has_versions,omitempty"`
}

// Plan is what a restore of schemas would do. It is made without changing
// anything, and executed by Apply.
type Plan struct {
	// At is the instant of the set that is restored, Set its digest.
	At  time.Time `json:"at"`
	Set string    `json:"set"`
	// Items are in the order in which they are made: each after what it refers
	// to.
	Items    []Item        `json:"items"`
	Subjects []SubjectPlan `json:"subjects,omitempty"` // those that change
	// Notes say what a person should know beyond that.
	Notes []string `json:"notes,omitempty"`
}

// Count returns how many versions are in a state.
func (p *Plan) Count(s State) int {
	n := 0
	for _, i := range p.Items {
		if i.State == s {
			n++
		}
	}
	return n
}

// Idle reports whether there is nothing to do.
func (p *Plan) Idle() bool {
	return p.Count(Make)+p.Count(Delete)+p.Count(Conflict) == 0 && len(p.Subjects) == 0
}

// Refused lists the conflicts, each as a sentence; a plan with one is not
// executed.
func (p *Plan) Refused() []string {
	var list []string
	for _, i := range p.Items {
		if i.State == Conflict {
			list = append(list, fmt.Sprintf("%s (id %d): %s", i.place(), i.ID, i.Note))
		}
	}
	return list
}

// NewPlan compares the newest set at or before an instant with a registry.
func NewPlan(ctx context.Context, a *cover.Archive, at time.Time, c *Client, o Options) (*Plan, error) {
	set, err := At(ctx, a, at)
	if err != nil {
		return nil, err
	}
	return planOf(ctx, set, c, o)
}

func planOf(ctx context.Context, set *Set, c *Client, o Options) (*Plan, error) {
	p := planner{set: set, client: c, archived: set.What.Content.versions()}
	chosen, err := p.chosen(o.Choose)
	if err != nil {
		return nil, err
	}
	if err := p.look(ctx, chosen); err != nil {
		return nil, fmt.Errorf("look at the target registry: %w", err)
	}
	plan := &Plan{At: set.At, Set: set.Digest}
	for _, at := range chosen {
		plan.Items = append(plan.Items, p.item(at))
	}
	for _, name := range namesOf(chosen) {
		if s, changes := p.settings(name, plan.Items); changes {
			plan.Subjects = append(plan.Subjects, s)
		}
	}
	plan.Notes = p.notes()
	return plan, nil
}

// planner holds what a plan is made from.
type planner struct {
	set      *Set
	client   *Client
	archived map[place]*Version
	global   Settings            // of the target
	target   map[string]*Subject // that the target has
	there    map[place]*Version  // in the target
	ids      map[int]*Version    // that the target has, of those in the set
}

// chosen lists the versions to be restored, each after what it refers to.
func (p *planner) chosen(choose func(string) bool) ([]place, error) {
	find := func(at place) (*Version, error) {
		if v := p.archived[at]; v != nil {
			return v, nil
		}
		return nil, fmt.Errorf("%s is referred to and not kept", at)
	}
	var order []place
	seen := map[place]bool{}
	for i := range p.set.What.Content.Subjects {
		s := &p.set.What.Content.Subjects[i]
		if choose != nil && !choose(s.Name) {
			continue
		}
		for _, v := range s.Versions {
			at := place{s.Name, v.Version}
			needed, err := before(at, find)
			if err != nil {
				return nil, fmt.Errorf("plan %s: %w", at, err)
			}
			for _, n := range append(needed, at) {
				if !seen[n] {
					seen[n] = true
					order = append(order, n)
				}
			}
		}
	}
	return order, nil
}

func namesOf(places []place) []string {
	var list []string
	for _, at := range places {
		list = append(list, at.subject)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// look asks the target for the chosen subjects and ids.
func (p *planner) look(ctx context.Context, chosen []place) (err error) {
	if p.global, err = p.client.settings(ctx, ""); err != nil {
		return err
	}
	names := namesOf(chosen)
	found := reading{client: p.client, subjects: map[string]Subject{}}
	if err := found.read(ctx, names); err != nil {
		return err
	}
	p.target = map[string]*Subject{}
	for name, s := range found.subjects {
		p.target[name] = &s
	}
	content := found.content(p.global)
	p.there = content.versions()
	for _, name := range names {
		if p.target[name] != nil {
			continue
		}
		// A subject without versions may have settings all the same.
		s, err := p.client.settings(ctx, name)
		if err != nil {
			return fmt.Errorf("read subject %s: %w", name, err)
		}
		p.target[name] = &Subject{Name: name, Settings: s}
	}
	return p.lookIDs(ctx, chosen)
}

// lookIDs asks for the ids of what is not there.
func (p *planner) lookIDs(ctx context.Context, chosen []place) error {
	var ids []int
	for _, at := range chosen {
		if p.there[at] == nil {
			ids = append(ids, p.archived[at].ID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	found := make([]*Version, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inParallel)
	for i, id := range ids {
		g.Go(func() error {
			v, ok, err := p.client.byID(ctx, id)
			if ok {
				found[i] = &v
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	p.ids = map[int]*Version{}
	for i, id := range ids {
		if found[i] != nil {
			p.ids[id] = found[i]
		}
	}
	return nil
}

// item says what becomes of one version.
func (p *planner) item(at place) Item {
	v := p.archived[at]
	item := Item{Subject: at.subject, Version: at.version, ID: v.ID, Deleted: v.Deleted, State: Same}
	have := p.there[at]
	switch {
	case have == nil && p.ids[v.ID] != nil && !sameSchema(v, p.ids[v.ID]):
		item.State, item.Note = Conflict, fmt.Sprintf("id %d is another schema in the target", v.ID)
	case have == nil:
		item.State = Make
	case have.ID != v.ID:
		item.State, item.Note = Conflict, fmt.Sprintf("in the target this version has id %d", have.ID)
	case !sameSchema(v, have):
		item.State, item.Note = Conflict, "in the target this version is another schema"
	case have.Deleted && !v.Deleted:
		item.State, item.Note = Make, "is soft-deleted in the target, and comes back"
	case v.Deleted && !have.Deleted && p.target[at.subject].Mode == modeImport:
		item.State, item.Note = Delete, "was made by a restore that was interrupted"
	case v.Deleted && !have.Deleted:
		item.Note = "was soft-deleted, and is not in the target: it stays"
	}
	return item
}

const modeImport = "IMPORT"

// settings says what becomes of a subject's settings, and whether it is touched
// at all.
func (p *planner) settings(name string, items []Item) (SubjectPlan, bool) {
	was, is := p.set.What.Content.subject(name), p.target[name]
	s := SubjectPlan{Subject: name, Mode: Change{From: is.Mode, To: is.Mode}, Has: len(is.Versions) > 0}
	if is.Mode == "" || is.Mode == modeImport {
		s.Mode.To = was.Mode
	}
	work, live := false, false
	for _, i := range items {
		if i.Subject == name {
			work = work || i.State != Same
			live = live || !i.Deleted
		}
	}
	if want := was.Config; want != nil && live && !bytes.Equal(settable(want), settable(is.Config)) {
		s.Config = &Change{From: string(settable(is.Config)), To: string(settable(want))}
	}
	return s, work || s.Config != nil || s.Mode.From != s.Mode.To
}

// settable is what PUT /config takes of what GET /config gives: the level has
// another name there.
func settable(config json.RawMessage) json.RawMessage {
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(config))
	d.UseNumber()
	if d.Decode(&object) != nil {
		return config
	}
	if level, ok := object["compatibilityLevel"]; ok {
		delete(object, "compatibilityLevel")
		object["compatibility"] = level
	}
	text, err := json.Marshal(object)
	if err != nil {
		return config
	}
	return text
}

// notes say what the items do not.
func (p *planner) notes() []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for region := range p.set.Down {
		add("region %s did not answer: newer schemas may lie there", region)
	}
	for _, err := range p.set.Skipped {
		add("newer schemas were passed over: %v", err)
	}
	for _, o := range p.set.What.Omitted {
		add("%s version %d (id %d) is not kept: with %d bytes it was too large", o.Subject, o.Version, o.ID, o.Bytes)
	}
	if was, is := settable(p.set.What.Content.Global.Config), settable(p.global.Config); !bytes.Equal(was, is) {
		add("the registry's own configuration stays %s; it was %s", cmp.Or(string(is), "unknown"), cmp.Or(string(was), "unknown"))
	}
	if was, is := p.set.What.Content.Global.Mode, p.global.Mode; was != is {
		add("the registry's own mode stays %s; it was %s", cmp.Or(is, "unknown"), cmp.Or(was, "unknown"))
	}
	return list
}
