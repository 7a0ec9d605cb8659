// Package registrytest is a schema registry in memory, for tests: the part of
// Confluent's API that tidemark uses, as strict as the real one where that
// matters for a restore.
//
//   - An id is taken in mode IMPORT only, and never for another schema (42205).
//   - Without an id a subject must be in mode READWRITE.
//   - A subject with versions goes into mode IMPORT only if forced (42205).
//   - What a schema refers to must exist (42201), and is not deleted while it is
//     referred to (42206).
//   - Soft-deleted versions are shown on request only; with the last version of
//     a subject its mode and configuration go.
//   - In mode IMPORT a version that exists is overwritten without a word, and a
//     soft-deleted one with the same id below it vanishes.
package registrytest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// Version is a version as the API has it.
type Version struct {
	Subject    string          `json:"subject,omitempty"`
	Version    int             `json:"version,omitempty"`
	ID         int             `json:"id,omitempty"`
	Type       string          `json:"schemaType,omitempty"`
	Schema     string          `json:"schema"`
	References []Reference     `json:"references,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	RuleSet    json.RawMessage `json:"ruleSet,omitempty"`
	Deleted    bool            `json:"-"`

	normal string // see text
}

// Reference names what a schema refers to.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// Registry is a registry. Make one with New.
type Registry struct {
	URL string
	// Authorization, unless empty, is the header that every request must have.
	Authorization string
	// Before, unless nil, sees every request and may answer it (true).
	Before func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	subjects map[string]map[int]*Version
	modes    map[string]string // by subject; "" is the registry's
	configs  map[string]json.RawMessage
	requests []string
}

// New starts a registry that ends with the test.
func New(t testing.TB) *Registry {
	r := &Registry{
		subjects: map[string]map[int]*Version{}, modes: map[string]string{"": "READWRITE"},
		configs: map[string]json.RawMessage{"": json.RawMessage(`{"compatibilityLevel":"BACKWARD"}`)},
	}
	server := httptest.NewServer(r.handler())
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// Put places a version without any rule.
func (r *Registry) Put(v Version) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(&v)
}

func (r *Registry) put(v *Version) {
	v.Metadata, v.RuleSet = normal(v.Metadata), normal(v.RuleSet)
	if r.subjects[v.Subject] == nil {
		r.subjects[v.Subject] = map[int]*Version{}
	}
	r.subjects[v.Subject][v.Version] = v
}

// Remove takes a version away for good.
func (r *Registry) Remove(subject string, version int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.subjects[subject], version)
}

// SetMode and SetConfig set what GET gives, of the registry where subject is
// empty.
func (r *Registry) SetMode(subject, mode string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.modes[subject] = mode
}

// SetConfig sets a configuration, as GET gives it.
func (r *Registry) SetConfig(subject, config string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.configs[subject] = json.RawMessage(config)
}

// Mode returns a subject's own mode, or "".
func (r *Registry) Mode(subject string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.modes[subject]
}

// Config returns a subject's own configuration, or "".
func (r *Registry) Config(subject string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.configs[subject])
}

// All returns every version, by subject and number.
func (r *Registry) All() []Version {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Version
	for _, s := range slices.Sorted(maps.Keys(r.subjects)) {
		for _, n := range slices.Sorted(maps.Keys(r.subjects[s])) {
			v := *r.subjects[s][n]
			v.normal = ""
			list = append(list, v)
		}
	}
	return list
}

// Writes returns the requests that change something, as METHOD path.
func (r *Registry) Writes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// mode returns the mode in scope.
func (r *Registry) mode(subject string) string {
	if m, ok := r.modes[subject]; ok {
		return m
	}
	return r.modes[""]
}

func (r *Registry) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request) (any, *refusal){
		"GET /subjects":                     r.getSubjects,
		"GET /subjects/{s}/versions":        r.getVersions,
		"GET /subjects/{s}/versions/{v}":    r.getVersion,
		"POST /subjects/{s}/versions":       r.postVersion,
		"DELETE /subjects/{s}/versions/{v}": r.deleteVersion,
		"GET /schemas/ids/{id}":             r.getID,
		"GET /mode":                         r.getMode,
		"GET /mode/{s}":                     r.getMode,
		"PUT /mode/{s}":                     r.putMode,
		"DELETE /mode/{s}":                  r.deleteMode,
		"GET /config":                       r.getConfig,
		"GET /config/{s}":                   r.getConfig,
		"PUT /config/{s}":                   r.putConfig,
	} {
		mux.HandleFunc(pattern, r.serve(handle))
	}
	return mux
}

// refusal is an error of the API.
type refusal struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

func (r *Registry) serve(handle func(*http.Request) (any, *refusal)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if r.Before != nil && r.Before(w, req) {
			return
		}
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		if r.Authorization != "" && req.Header.Get("Authorization") != r.Authorization {
			answer(w, nil, &refusal{40101, "Unauthorized"})
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if req.Method != http.MethodGet {
			r.requests = append(r.requests, req.Method+" "+req.URL.RequestURI())
		}
		v, refused := handle(req)
		answer(w, v, refused)
	}
}

func answer(w http.ResponseWriter, v any, refused *refusal) {
	if refused != nil {
		w.WriteHeader(refused.Code / 100)
		v = refused
	}
	_ = json.NewEncoder(w).Encode(v)
}

func deleted(req *http.Request) bool { return req.URL.Query().Get("deleted") == "true" }

func (r *Registry) getSubjects(req *http.Request) (any, *refusal) {
	list := []string{}
	for s := range r.subjects {
		if len(r.numbers(s, deleted(req))) > 0 {
			list = append(list, s)
		}
	}
	slices.Sort(list)
	return list, nil
}

func (r *Registry) numbers(subject string, withDeleted bool) []int {
	var list []int
	for n, v := range r.subjects[subject] {
		if withDeleted || !v.Deleted {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

func (r *Registry) getVersions(req *http.Request) (any, *refusal) {
	list := r.numbers(req.PathValue("s"), deleted(req))
	if len(list) == 0 {
		return nil, &refusal{40401, "Subject '" + req.PathValue("s") + "' not found."}
	}
	return list, nil
}

func (r *Registry) getVersion(req *http.Request) (any, *refusal) {
	n, _ := strconv.Atoi(req.PathValue("v"))
	v := r.subjects[req.PathValue("s")][n]
	if v == nil || v.Deleted && !deleted(req) {
		return nil, &refusal{40402, "Version " + req.PathValue("v") + " not found."}
	}
	return v, nil
}

func (r *Registry) getID(req *http.Request) (any, *refusal) {
	n, _ := strconv.Atoi(req.PathValue("id"))
	v := r.withID(n)
	if v == nil {
		return nil, &refusal{40403, "Schema " + req.PathValue("id") + " not found"}
	}
	out := *v
	out.Subject, out.Version, out.ID = "", 0, 0
	return out, nil
}

func (r *Registry) withID(id int) *Version {
	for _, versions := range r.subjects {
		for _, v := range versions {
			if v.ID == id {
				return v
			}
		}
	}
	return nil
}

func (r *Registry) getMode(req *http.Request) (any, *refusal) {
	m, ok := r.modes[req.PathValue("s")]
	if !ok {
		return nil, &refusal{40409, "Subject does not have subject-level mode configured"}
	}
	return map[string]string{"mode": m}, nil
}

func (r *Registry) putMode(req *http.Request) (any, *refusal) {
	var body struct {
		Mode string `json:"mode"`
	}
	s := req.PathValue("s")
	_ = json.NewDecoder(req.Body).Decode(&body)
	if !slices.Contains([]string{"READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT"}, body.Mode) {
		return nil, &refusal{42204, "Invalid mode"}
	}
	if body.Mode == "IMPORT" && r.mode(s) != "IMPORT" && len(r.numbers(s, true)) > 0 && req.URL.Query().Get("force") != "true" {
		return nil, &refusal{42205, "Cannot import since found existing subjects"}
	}
	r.modes[s] = body.Mode
	return body, nil
}

func (r *Registry) deleteMode(req *http.Request) (any, *refusal) {
	s := req.PathValue("s")
	if _, ok := r.modes[s]; !ok {
		return nil, &refusal{40401, "Subject not found."}
	}
	delete(r.modes, s)
	return map[string]string{"mode": r.modes[""]}, nil
}

func (r *Registry) getConfig(req *http.Request) (any, *refusal) {
	c, ok := r.configs[req.PathValue("s")]
	if !ok {
		return nil, &refusal{40408, "Subject does not have subject-level compatibility configured"}
	}
	return c, nil
}

func (r *Registry) putConfig(req *http.Request) (any, *refusal) {
	s := req.PathValue("s")
	var body map[string]any
	_ = json.NewDecoder(req.Body).Decode(&body)
	level, ok := body["compatibility"].(string)
	switch {
	case r.readOnly(s):
		return nil, &refusal{42205, "Subject " + s + " is in read-only mode"}
	case ok && !slices.Contains([]string{"NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}, level):
		return nil, &refusal{42203, "Invalid compatibility level"}
	}
	if ok {
		delete(body, "compatibility")
		body["compatibilityLevel"] = level
	}
	text, _ := json.Marshal(body)
	r.configs[s] = text
	return body, nil
}
