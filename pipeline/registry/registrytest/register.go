package registrytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (r *Registry) readOnly(subject string) bool {
	return strings.HasPrefix(r.mode(subject), "READONLY")
}

// postVersion registers, as Confluent's registry does.
func (r *Registry) postVersion(req *http.Request) (any, *refusal) {
	v := &Version{}
	if err := json.NewDecoder(req.Body).Decode(v); err != nil {
		return nil, &refusal{42201, err.Error()}
	}
	v.Subject = req.PathValue("s")
	if v.Type == "AVRO" {
		v.Type = ""
	}
	if refused := r.mayRegister(v); refused != nil {
		return nil, refused
	}
	if have := r.same(v); have != nil && v.ID == 0 {
		v.ID = have.ID
		if have.Subject == v.Subject && !have.Deleted {
			return map[string]int{"id": have.ID}, nil
		}
	}
	if other := r.withID(v.ID); v.ID != 0 && other != nil && !equal(v, other) {
		return nil, &refusal{42205, fmt.Sprintf("Overwrite new schema with id %d is not permitted.", v.ID)}
	}
	r.number(v)
	for n, old := range r.subjects[v.Subject] {
		if old.Deleted && old.ID == v.ID && n < v.Version {
			delete(r.subjects[v.Subject], n)
		}
	}
	r.put(v)
	return map[string]int{"id": v.ID}, nil
}

func (r *Registry) mayRegister(v *Version) *refusal {
	switch mode := r.mode(v.Subject); {
	case r.readOnly(v.Subject):
		return &refusal{42205, "Subject " + v.Subject + " is in read-only mode"}
	case v.ID != 0 && mode != "IMPORT":
		return &refusal{42205, "Subject " + v.Subject + " is not in import mode"}
	case v.ID == 0 && mode != "READWRITE":
		return &refusal{42205, "Subject " + v.Subject + " is not in read-write mode"}
	}
	for _, ref := range v.References {
		if r.subjects[ref.Subject][ref.Version] == nil {
			return &refusal{42201, fmt.Sprintf("Invalid schema: no schema reference found for subject %q and version %d", ref.Subject, ref.Version)}
		}
	}
	return nil
}

// number gives an id and a version to what has none.
func (r *Registry) number(v *Version) {
	if v.ID == 0 {
		for _, versions := range r.subjects {
			for _, o := range versions {
				v.ID = max(v.ID, o.ID)
			}
		}
		v.ID++
	}
	if v.Version == 0 {
		v.Version = 1
		if all := r.numbers(v.Subject, true); len(all) > 0 {
			v.Version = all[len(all)-1] + 1
		}
	}
}

// same finds the schema, in the subject if it is there.
func (r *Registry) same(v *Version) *Version {
	var found *Version
	for s, versions := range r.subjects {
		for _, o := range versions {
			if equal(v, o) && (found == nil || s == v.Subject) {
				found = o
			}
		}
	}
	return found
}

// equal compares schemas as the registry does, whatever their white space.
func equal(a, b *Version) bool {
	return a.text() == b.text() && a.Type == b.Type && slices.Equal(a.References, b.References) &&
		bytes.Equal(normal(a.Metadata), normal(b.Metadata)) && bytes.Equal(normal(a.RuleSet), normal(b.RuleSet))
}

// text is the schema in one form.
func (v *Version) text() string {
	if v.normal == "" {
		v.normal = string(normal([]byte(v.Schema)))
	}
	return v.normal
}

// normal writes JSON in one form, and leaves everything else.
func normal(text []byte) []byte {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return text
	}
	out, _ := json.Marshal(v)
	return out
}

func (r *Registry) deleteVersion(req *http.Request) (any, *refusal) {
	s := req.PathValue("s")
	n, _ := strconv.Atoi(req.PathValue("v"))
	v := r.subjects[s][n]
	switch {
	case r.readOnly(s):
		return nil, &refusal{42205, "Subject " + s + " is in read-only mode"}
	case v == nil:
		return nil, &refusal{40402, "Version not found."}
	case r.referred(s, n):
		return nil, &refusal{42206, "One or more references exist to the schema"}
	case v.Deleted:
		return nil, &refusal{40406, "Subject version was soft deleted."}
	}
	v.Deleted = true
	if len(r.numbers(s, false)) == 0 {
		delete(r.modes, s)
		delete(r.configs, s)
	}
	return n, nil
}

// referred reports whether a version that is not deleted refers to this one.
func (r *Registry) referred(subject string, version int) bool {
	for _, versions := range r.subjects {
		for _, v := range versions {
			if !v.Deleted && slices.ContainsFunc(v.References, func(ref Reference) bool {
				return ref.Subject == subject && ref.Version == version
			}) {
				return true
			}
		}
	}
	return false
}
