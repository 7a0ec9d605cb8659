package registry

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/tidemark-io/tidemark/pipeline/values"
)

// Content is all that a registry holds, as far as it is kept.
type Content struct {
	Global Settings `json:"global"`
	// Subjects are sorted by name.
	Subjects []Subject `json:"subjects,omitempty"`
}

// Settings are those of the registry, or of one subject where it has its own.
type Settings struct {
	// Mode is READWRITE, READONLY, READONLY_OVERRIDE or IMPORT; empty where none
	// is set.
	Mode string `json:"mode,omitempty"`
	// Config is what GET /config gives: the level as compatibilityLevel, and
	// what else there is. Nil where none is set.
	Config json.RawMessage `json:"config,omitempty"`
}

// Subject is one subject with its versions, in ascending order.
type Subject struct {
	Name string `json:"subject"`
	Settings
	Versions []Version `json:"versions,omitempty"`
}

// Version is one version of a subject.
type Version struct {
	Version int               `json:"version"`
	ID      int               `json:"id"`
	Type    values.SchemaType `json:"type"`
	Schema  string            `json:"schema"`
	// References are the schemas that this one needs.
	References []Reference `json:"references,omitempty"`
	// Metadata and RuleSet are those of a data contract, as the registry has
	// them.
	Metadata json.RawMessage `json:"metadata,omitempty"`
	RuleSet  json.RawMessage `json:"rule_set,omitempty"`
	// Deleted marks a version that is soft-deleted: no longer listed, still
	// found by its id.
	Deleted bool `json:"deleted,omitempty"`
}

// Reference names a version of a subject that a schema needs, and what the
// schema calls it.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// place is one version of one subject.
type place struct {
	subject string
	version int
}

func (p place) String() string { return fmt.Sprintf("%s version %d", p.subject, p.version) }

func (r Reference) place() place { return place{r.Subject, r.Version} }

// sort puts everything into the one order that it is written in.
func (c *Content) sort() {
	slices.SortFunc(c.Subjects, func(a, b Subject) int { return cmp.Compare(a.Name, b.Name) })
	for _, s := range c.Subjects {
		slices.SortFunc(s.Versions, func(a, b Version) int { return cmp.Compare(a.Version, b.Version) })
	}
}

// Digest is the SHA-256 of the content as JSON, in hex. It does not depend on
// how the content is cut into documents.
func (c *Content) Digest() (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("digest schemas: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// versions finds every version.
func (c *Content) versions() map[place]*Version {
	found := map[place]*Version{}
	for i := range c.Subjects {
		s := &c.Subjects[i]
		for j := range s.Versions {
			found[place{s.Name, s.Versions[j].Version}] = &s.Versions[j]
		}
	}
	return found
}

// subject finds a subject by its name.
func (c *Content) subject(name string) *Subject {
	i, ok := slices.BinarySearchFunc(c.Subjects, name, func(s Subject, name string) int { return cmp.Compare(s.Name, name) })
	if !ok {
		return nil
	}
	return &c.Subjects[i]
}

// canonical writes JSON in one form: keys sorted, no spaces, numbers as they
// are. Null and an empty object are nothing.
func canonical(raw json.RawMessage) (json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if object, ok := v.(map[string]any); v == nil || ok && len(object) == 0 {
		return nil, nil
	}
	return json.Marshal(v)
}

// sameSchema compares what two versions say, not where they stand. Registries
// may give a text back with other white space than they took: JSON is compared
// as JSON.
func sameSchema(a, b *Version) bool {
	return a.Type == b.Type && slices.Equal(a.References, b.References) && sameText(a.Schema, b.Schema) &&
		bytes.Equal(a.Metadata, b.Metadata) && bytes.Equal(a.RuleSet, b.RuleSet)
}

func sameText(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := values.ParseJSON([]byte(a))
	y, errY := values.ParseJSON([]byte(b))
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

var errCycle = errors.New("schemas refer to each other in a circle")

// before lists the places that a version refers to, directly or not, each after
// those that it needs itself.
func before(at place, find func(place) (*Version, error)) ([]place, error) {
	const onTheWay, done = 1, 2
	state := map[place]int{}
	var order []place
	var visit func(place) error
	visit = func(p place) error {
		switch {
		case state[p] == onTheWay:
			return fmt.Errorf("%s: %w", p, errCycle)
		case state[p] == done:
			return nil
		case len(state) > maxBefore:
			return fmt.Errorf("%s refers to more than %d schemas", at, maxBefore)
		}
		state[p] = onTheWay
		v, err := find(p)
		if err != nil {
			return err
		}
		for _, r := range v.References {
			if err := visit(r.place()); err != nil {
				return err
			}
		}
		state[p] = done
		order = append(order, p)
		return nil
	}
	if err := visit(at); err != nil {
		return nil, err
	}
	return order[:len(order)-1], nil
}
