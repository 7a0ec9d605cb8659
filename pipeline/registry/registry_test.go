package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/registry"
	"github.com/tidemark-io/tidemark/pipeline/registry/registrytest"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type place struct{ *covertest.Region }

func (p place) Name() string { return p.Region.Name }

// setting is an archive, a registry that is captured into it, and another one
// that is restored into.
type setting struct {
	world          *covertest.World
	source, target *registrytest.Registry
	capturer       *registry.Capturer
}

func newSetting(t *testing.T) *setting {
	w := covertest.New(t)
	s := &setting{world: w, source: registrytest.New(t), target: registrytest.New(t)}
	s.capturer = &registry.Capturer{
		Client: client(t, s.source), Archive: w.Archive(),
		Keeper: &documents.Keeper{Archive: w.ID, Signer: w.Archiver, Regions: []documents.Region{place{w.A}, place{w.B}}},
	}
	return s
}

func client(t testing.TB, r *registrytest.Registry) *registry.Client {
	t.Helper()
	c, err := registry.NewClient(registry.ClientOptions{URL: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	address = `{"type":"record","name":"Address","fields":[{"name":"zip","type":"string"}]}`
	user    = `{"type":"record","name":"User","fields":[{"name":"home","type":"Address"}]}`
)

// fill gives the source what a registry may hold: references across subjects
// against the alphabet, gaps in ids and versions, soft-deleted versions and a
// subject of nothing else, settings, odd names, the three languages.
func (s *setting) fill() {
	for _, v := range []registrytest.Version{
		{Subject: "z-address", Version: 1, ID: 12, Schema: address},
		{Subject: "a-user", Version: 3, ID: 7, Schema: user, References: []registrytest.Reference{{Name: "Address", Subject: "z-address", Version: 1}}},
		{Subject: "a-user", Version: 2, ID: 9, Schema: `"string"`, Deleted: true},
		{Subject: "gone", Version: 1, ID: 20, Schema: `"long"`, Deleted: true},
		{Subject: "gone", Version: 4, ID: 21, Schema: user, Deleted: true, References: []registrytest.Reference{{Name: "Address", Subject: "z-address", Version: 1}}},
		{Subject: "gone-base", Version: 1, ID: 40, Schema: address, Metadata: []byte(`{"tags":{"x":["y"]}}`), Deleted: true},
		{Subject: "gone-user", Version: 1, ID: 41, Schema: user, Deleted: true, References: []registrytest.Reference{{Name: "Address", Subject: "gone-base", Version: 1}}},
		{Subject: "odd /%name", Version: 1, ID: 100001, Type: "JSON", Schema: `{"type":"object"}`, Metadata: []byte(`{"properties":{"owner":"a<b"}}`)},
		{Subject: "p", Version: 1, ID: 30, Type: "PROTOBUF", Schema: "syntax = \"proto3\";\nmessage P {}"},
		{Subject: "twice", Version: 1, ID: 12, Schema: address},
	} {
		s.source.Put(v)
	}
	s.source.SetConfig("a-user", `{"compatibilityLevel":"FULL","normalize":true}`)
	s.source.SetMode("p", "READONLY")
	s.source.SetConfig("p", `{"compatibilityLevel":"NONE"}`)
}

func (s *setting) capture(t *testing.T, at time.Time) registry.Captured {
	t.Helper()
	c, err := s.capturer.Once(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *setting) plan(t *testing.T, at time.Time, o registry.Options) *registry.Plan {
	t.Helper()
	p, err := registry.NewPlan(t.Context(), s.world.Archive(), at, client(t, s.target), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *setting) apply(t *testing.T, p *registry.Plan) {
	t.Helper()
	if err := registry.Apply(t.Context(), s.world.Archive(), p, client(t, s.target)); err != nil {
		t.Fatal(err)
	}
}

func texts(all []registrytest.Version) []string {
	var list []string
	for _, v := range all {
		list = append(list, fmt.Sprintf("%s/%d id %d %s %q %v %s deleted=%v", v.Subject, v.Version, v.ID, v.Type, v.Schema, v.References, v.Metadata, v.Deleted))
	}
	return list
}

func sameRegistries(t *testing.T, got, want *registrytest.Registry) {
	t.Helper()
	g, w := texts(got.All()), texts(want.All())
	if !slices.Equal(g, w) {
		t.Errorf("the registry holds\n%s\nwant\n%s", strings.Join(g, "\n"), strings.Join(w, "\n"))
	}
	for _, v := range want.All() {
		if got.Mode(v.Subject) != want.Mode(v.Subject) || got.Config(v.Subject) != want.Config(v.Subject) {
			t.Errorf("%s: mode %q, config %s; want %q, %s", v.Subject, got.Mode(v.Subject), got.Config(v.Subject), want.Mode(v.Subject), want.Config(v.Subject))
		}
	}
}

func TestEverythingComesBack(t *testing.T) {
	s := newSetting(t)
	s.fill()
	if c := s.capture(t, noon); !c.Changed || c.Subjects != 8 || c.Versions != 10 || c.Documents != 1 {
		t.Errorf("%+v", c)
	}
	p := s.plan(t, noon, registry.Options{})
	if p.Count(registry.Make) != 10 || len(p.Refused()) != 0 || p.Idle() || len(s.target.Writes()) != 0 {
		t.Errorf("plan: %+v, writes %v", p, s.target.Writes())
	}
	s.apply(t, p)
	sameRegistries(t, s.target, s.source)
	if p := s.plan(t, noon, registry.Options{}); !p.Idle() || p.Count(registry.Same) != 10 {
		t.Errorf("after that there is still to be done: %+v", p)
	}
	before := len(s.target.Writes())
	s.apply(t, p)
	if writes := s.target.Writes(); len(writes) != before {
		t.Errorf("a second time wrote %v", writes[before:])
	}
}

func TestOnlyChangesAreWritten(t *testing.T) {
	s := newSetting(t)
	s.fill()
	s.capture(t, noon)
	if c := s.capture(t, noon.Add(time.Minute)); c.Changed {
		t.Error("nothing changed, and it was written")
	}
	again := *s
	again.capturer = &registry.Capturer{Client: s.capturer.Client, Archive: s.world.Archive(), Keeper: s.capturer.Keeper}
	if c := again.capture(t, noon.Add(2*time.Minute)); c.Changed {
		t.Error("nothing changed, and another process wrote it")
	}
	for i, change := range []func(){
		func() { s.source.Put(registrytest.Version{Subject: "new", Version: 1, ID: 50, Schema: `"int"`}) },
		func() {
			s.source.Put(registrytest.Version{Subject: "new", Version: 1, ID: 50, Schema: `"int"`, Deleted: true})
		},
		func() { s.source.Remove("new", 1) },
		func() { s.source.SetMode("a-user", "READONLY") },
		func() { s.source.SetConfig("", `{"compatibilityLevel":"NONE"}`) },
	} {
		change()
		if c := s.capture(t, noon.Add(time.Duration(3+i)*time.Minute)); !c.Changed {
			t.Errorf("change %d was not written", i)
		}
	}
	s.source.SetConfig("", `{"compatibilityLevel":"FULL"}`)
	again.capture(t, noon.Add(10*time.Minute))
	s.source.SetConfig("", `{"compatibilityLevel":"NONE"}`)
	if c := s.capture(t, noon.Add(11*time.Minute)); !c.Changed {
		t.Error("another process wrote something else in between, and what is there now was not written")
	}
	if c := s.capture(t, noon.Add(31*24*time.Hour)); !c.Changed {
		t.Error("after a month it was not written again")
	}
}

// TestThePast: each instant gives what was there at the look before it.
func TestThePast(t *testing.T) {
	s := newSetting(t)
	for i := range 4 {
		s.source.Put(registrytest.Version{Subject: "s", Version: i + 1, ID: 10 + i, Schema: fmt.Sprintf(`{"type":"fixed","name":"F","size":%d}`, i+1)})
		s.capture(t, noon.Add(time.Duration(i)*time.Hour))
	}
	for i := range 4 {
		p := s.plan(t, noon.Add(time.Duration(i)*time.Hour+time.Minute), registry.Options{})
		if len(p.Items) != i+1 {
			t.Errorf("after %d hours there are %d versions", i, len(p.Items))
		}
	}
	_, err := registry.NewPlan(t.Context(), s.world.Archive(), noon.Add(-time.Second), client(t, s.target), registry.Options{})
	if !errors.Is(err, registry.ErrNone) || !strings.Contains(err.Error(), "2026-11-22T11:59:59Z") {
		t.Errorf("before the first: %v", err)
	}
}

// TestLargeRegistriesAreCut: a set of many documents, of which one is lost, is
// none.
func TestLargeRegistriesAreCut(t *testing.T) {
	s := newSetting(t)
	s.source.Put(registrytest.Version{Subject: "small", Version: 1, ID: 1, Schema: `"int"`})
	s.capture(t, noon)
	for i := range 40 {
		s.source.Put(registrytest.Version{Subject: fmt.Sprintf("s%d", i%3), Version: i + 1, ID: 10 + i, Type: "JSON", Schema: fmt.Sprintf(`{"description":"%d%s"}`, i, strings.Repeat("x", 40<<10))})
	}
	s.source.Put(registrytest.Version{Subject: "huge", Version: 1, ID: 5000, Type: "JSON", Schema: `"` + strings.Repeat("y", 900<<10) + `"`})
	s.source.Put(registrytest.Version{Subject: "huge", Version: 2, ID: 5001, Type: "JSON", Schema: `"` + strings.Repeat("y", 1<<20) + `"`})
	c := s.capture(t, noon.Add(time.Hour))
	if c.Documents < 7 || len(c.Omitted) != 1 || c.Omitted[0].ID != 5001 {
		t.Errorf("%d documents, omitted %v", c.Documents, c.Omitted)
	}
	p := s.plan(t, time.Time{}, registry.Options{})
	if len(p.Items) != 42 || !slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, "huge version 2 (id 5001) is not kept") }) {
		t.Errorf("%d versions, notes %v", len(p.Items), p.Notes)
	}
	s.apply(t, p)
	s.source.Remove("huge", 2)
	sameRegistries(t, s.target, s.source)

	lost, err := documents.List(t.Context(), s.world.Archive(), names.FolderSchemas, noon.Add(time.Hour), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	s.world.A.Remove(lost[3].String())
	s.world.B.Remove(lost[3].String())
	p = s.plan(t, time.Time{}, registry.Options{})
	if len(p.Items) != 1 || !p.At.Equal(noon) || len(p.Notes) == 0 || !strings.Contains(p.Notes[0], "passed over") {
		t.Errorf("with a part lost: %d versions of %s, notes %v", len(p.Items), p.At, p.Notes)
	}
}

// TestForgedSets: parts that are signed and do not make up what they say.
func TestForgedSets(t *testing.T) {
	s := newSetting(t)
	s.fill()
	s.capture(t, noon)
	forged := registry.Document{Content: registry.Content{Subjects: []registry.Subject{{Name: "x"}}}}
	forged.Set, forged.Part, forged.Parts = strings.Repeat("0", 64), 1, 1
	if _, err := s.capturer.Keeper.Keep(t.Context(), names.FolderSchemas, noon.Add(time.Hour), forged); err != nil {
		t.Fatal(err)
	}
	if p := s.plan(t, time.Time{}, registry.Options{}); !p.At.Equal(noon) || !strings.Contains(strings.Join(p.Notes, ""), "its parts make up set") {
		t.Errorf("%s, %v", p.At, p.Notes)
	}
}

// TestReferencesComeAlong: what a chosen subject refers to is captured and
// restored, chosen or not.
func TestReferencesComeAlong(t *testing.T) {
	s := newSetting(t)
	s.fill()
	s.capturer.Choose = func(name string) bool { return name == "a-user" }
	if c := s.capture(t, noon); c.Subjects != 2 {
		t.Errorf("%+v", c)
	}
	s.capturer.Choose = nil
	s.capture(t, noon.Add(time.Minute))
	p := s.plan(t, time.Time{}, registry.Options{Choose: func(name string) bool { return name == "a-user" }})
	if len(p.Items) != 3 || p.Items[0].Subject != "a-user" || p.Items[1].Subject != "z-address" || p.Items[2].ID != 7 {
		t.Errorf("%+v", p.Items)
	}
	s.apply(t, p)
}

func TestConflictsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		there registrytest.Version
		want  string
	}{
		"the id is another schema":      {registrytest.Version{Subject: "other", Version: 1, ID: 7, Schema: `"int"`}, "a-user version 3 (id 7): id 7 is another schema in the target"},
		"the version is another schema": {registrytest.Version{Subject: "a-user", Version: 3, ID: 7, Schema: `"int"`}, "a-user version 3 (id 7): in the target this version is another schema"},
		"the version has another id":    {registrytest.Version{Subject: "twice", Version: 1, ID: 13, Schema: address}, "twice version 1 (id 12): in the target this version has id 13"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetting(t)
			s.fill()
			s.capture(t, noon)
			p := s.plan(t, noon, registry.Options{})
			s.target.Put(test.there) // after the plan was made
			err := registry.Apply(t.Context(), s.world.Archive(), p, client(t, s.target))
			if !errors.Is(err, registry.ErrRefused) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
			if w := s.target.Writes(); len(w) != 0 {
				t.Errorf("refused, and wrote %v", w)
			}
			if refused := s.plan(t, noon, registry.Options{}).Refused(); len(refused) != 1 || !strings.Contains(refused[0], test.want) {
				t.Errorf("the plan refuses %v", refused)
			}
		})
	}
}

// TestAnotherSetIsRefused: what is executed is what was shown.
func TestAnotherSetIsRefused(t *testing.T) {
	s := newSetting(t)
	s.fill()
	s.capture(t, noon)
	p := s.plan(t, noon, registry.Options{})
	p.Set = strings.Repeat("0", 64)
	if err := registry.Apply(t.Context(), s.world.Archive(), p, client(t, s.target)); !errors.Is(err, registry.ErrRefused) || len(s.target.Writes()) != 0 {
		t.Errorf("%v, writes %v", err, s.target.Writes())
	}
}

// TestWhatIsThereIsLeftAlone: a target in use keeps its own versions, settings
// and what it deleted not.
func TestWhatIsThereIsLeftAlone(t *testing.T) {
	s := newSetting(t)
	s.fill()
	s.capture(t, noon)
	s.target.Put(registrytest.Version{Subject: "z-address", Version: 1, ID: 12, Schema: `{ "name": "Address", "type": "record", "fields": [{"name":"zip","type":"string"}] }`})
	s.target.Put(registrytest.Version{Subject: "a-user", Version: 2, ID: 9, Schema: `"string"`})
	s.target.Put(registrytest.Version{Subject: "a-user", Version: 8, ID: 88, Schema: `"double"`})
	s.target.SetMode("a-user", "READONLY")
	s.target.SetConfig("twice", `{"compatibilityLevel":"NONE"}`)
	p := s.plan(t, noon, registry.Options{})
	if p.Count(registry.Same) != 2 || p.Count(registry.Make) != 8 {
		t.Errorf("%+v", p.Items)
	}
	s.apply(t, p)
	if s.target.Mode("a-user") != "READONLY" || !strings.Contains(s.target.Config("a-user"), "FULL") || !strings.Contains(s.target.Config("twice"), "NONE") {
		t.Errorf("mode %s, config %s, %s", s.target.Mode("a-user"), s.target.Config("a-user"), s.target.Config("twice"))
	}
	for _, v := range s.target.All() {
		if v.Subject == "a-user" && v.Version == 2 && v.Deleted {
			t.Error("a version that is in use was deleted")
		}
	}
}

// TestInterrupted cuts a restore off at each of its requests: the modes come
// back at once, and running it again finishes it.
func TestInterrupted(t *testing.T) {
	whole := newSetting(t)
	whole.fill()
	whole.capture(t, noon)
	whole.apply(t, whole.plan(t, noon, registry.Options{}))
	for cut := range len(whole.target.Writes()) {
		s := *whole
		s.target = registrytest.New(t)
		p := s.plan(t, noon, registry.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		writes := 0
		s.target.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet {
				if writes++; writes == cut+1 {
					cancel()
				}
			}
			return false
		}
		if err := registry.Apply(ctx, s.world.Archive(), p, client(t, s.target)); err == nil {
			t.Errorf("cut off at request %d: no error", cut)
		}
		for _, v := range s.source.All() {
			if s.target.Mode(v.Subject) == "IMPORT" {
				t.Errorf("cut off at request %d: subject %s is left in mode IMPORT", cut, v.Subject)
			}
		}
		s.target.Before = nil
		s.apply(t, p)
	}
}

// TestKilled is as TestInterrupted, but nothing is set back: the process is
// gone. Running it again still finishes, with the same registry in the end.
func TestKilled(t *testing.T) {
	whole := newSetting(t)
	whole.fill()
	whole.capture(t, noon)
	whole.apply(t, whole.plan(t, noon, registry.Options{}))
	for cut := range len(whole.target.Writes()) {
		s := *whole
		s.target = registrytest.New(t)
		p := s.plan(t, noon, registry.Options{})
		writes := 0
		s.target.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet {
				if writes++; writes > cut {
					w.WriteHeader(http.StatusBadGateway)
					return true
				}
			}
			return false
		}
		err := registry.Apply(t.Context(), s.world.Archive(), p, client(t, s.target))
		if err == nil {
			t.Errorf("killed at request %d: no error", cut)
		}
		s.target.Before = nil
		s.apply(t, s.plan(t, noon, registry.Options{}))
		sameRegistries(t, s.target, s.source)
	}
}

// TestARegistryThatGivesOtherIDs is not taken for one that keeps them.
func TestARegistryThatGivesOtherIDs(t *testing.T) {
	s := newSetting(t)
	s.fill()
	s.capture(t, noon)
	p := s.plan(t, noon, registry.Options{})
	s.target.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			fmt.Fprint(w, `{"id":1}`)
		}
		return r.Method == http.MethodPost
	}
	err := registry.Apply(t.Context(), s.world.Archive(), p, client(t, s.target))
	if err == nil || !strings.Contains(err.Error(), "does not keep ids") {
		t.Error(err)
	}
}

// TestWhatIsTakenIsReadBack: a registry may say yes and hold something else.
func TestWhatIsTakenIsReadBack(t *testing.T) {
	s := newSetting(t)
	s.source.Put(registrytest.Version{Subject: "s", Version: 1, ID: 3, Schema: `"int"`})
	s.capture(t, noon)
	p := s.plan(t, noon, registry.Options{})
	s.target.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			s.target.Put(registrytest.Version{Subject: "s", Version: 1, ID: 3, Schema: `"long"`})
			fmt.Fprint(w, `{"id":3}`)
		}
		return r.Method == http.MethodPost
	}
	err := registry.Apply(t.Context(), s.world.Archive(), p, client(t, s.target))
	if err == nil || !strings.Contains(err.Error(), "holds something else: s version 1 (id 3)") {
		t.Error(err)
	}
}

func TestWhoWeAre(t *testing.T) {
	s := newSetting(t)
	s.source.Authorization = "Basic dXNlcjpwYXNz"
	c, _ := registry.NewClient(registry.ClientOptions{URL: s.source.URL, Username: "user", Password: "pass"})
	if _, err := c.Read(t.Context(), nil); err != nil {
		t.Error(err)
	}
	s.source.Authorization = "Bearer t0"
	c, _ = registry.NewClient(registry.ClientOptions{URL: s.source.URL, Token: func() (string, error) { return "t0", nil }})
	if _, err := c.Read(t.Context(), nil); err != nil {
		t.Error(err)
	}
	c, _ = registry.NewClient(registry.ClientOptions{URL: s.source.URL, Token: func() (string, error) { return "", errors.New("no token today") }})
	if _, err := c.Read(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no token today") {
		t.Error(err)
	}
	c, _ = registry.NewClient(registry.ClientOptions{URL: s.source.URL, Username: "user", Password: "secret-canary"})
	_, err := c.Read(t.Context(), nil)
	if e := (*registry.Error)(nil); !errors.As(err, &e) || e.Status != 401 || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// TestLargeAnswersAreCutOff: a registry that is none must not fill memory.
func TestLargeAnswersAreCutOff(t *testing.T) {
	s := newSetting(t)
	s.source.Before = func(w http.ResponseWriter, r *http.Request) bool {
		chunk := make([]byte, 1<<20)
		for range 65 {
			if _, err := w.Write(chunk); err != nil {
				break
			}
		}
		return true
	}
	_, err := client(t, s.source).Read(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Error(err)
	}
}

func TestSchemas(t *testing.T) {
	s := newSetting(t)
	s.fill()
	s.capture(t, noon)
	s.source.Remove("p", 1)
	s.source.Put(registrytest.Version{Subject: "late", Version: 1, ID: 60, Schema: `"int"`})
	s.capture(t, noon.Add(5*time.Minute))

	archived := registry.NewArchived(s.world.Archive(), noon.Add(time.Minute))
	for name, schemas := range map[string]values.Schemas{"archived": archived, "live": registry.NewLive(client(t, s.source)), "either": registry.Either{registry.NewArchived(s.world.Archive(), noon.Add(-time.Hour)), archived}} {
		got, err := schemas.ByID(t.Context(), 7)
		if err != nil || got.Text != user || !slices.Equal(got.Before, []string{address}) || got.Type != values.TypeAvro {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if got, err := schemas.ByID(t.Context(), 9); err != nil || got.Text != `"string"` {
			t.Errorf("%s, soft-deleted: %+v, %v", name, got, err)
		}
		if got, err := schemas.ByID(t.Context(), 60); err != nil || got.Text != `"int"` {
			t.Errorf("%s, registered a little later: %+v, %v", name, got, err)
		}
		if _, err := schemas.ByID(t.Context(), 999); !errors.Is(err, values.ErrUnknownSchema) {
			t.Errorf("%s, unknown: %v", name, err)
		}
	}
	if got, err := archived.ByID(t.Context(), 30); err != nil || got.Type != values.TypeProtobuf {
		t.Errorf("deleted since: %+v, %v", got, err)
	}
	d := &values.Decoder{Schemas: archived}
	v, err := d.Decode(t.Context(), []byte("\x00\x00\x00\x00\x07\x081234"))
	if err != nil || v.Tree.(map[string]any)["home"].(map[string]any)["zip"] != "1234" {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestUnknownIDsAreNotAskedForAgainAtOnce: every record with a number as its key
// would make a request.
func TestUnknownIDsAreNotAskedForAgainAtOnce(t *testing.T) {
	s, asked := newSetting(t), 0
	s.source.Before = func(http.ResponseWriter, *http.Request) bool {
		asked++
		return false
	}
	live := registry.NewLive(client(t, s.source))
	for range 100 {
		if _, err := live.ByID(t.Context(), 0); !errors.Is(err, values.ErrUnknownSchema) {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("%d requests", asked)
	}
}

// TestCirclesEnd: no registry makes them, and what is read is not trusted.
func TestCirclesEnd(t *testing.T) {
	s := newSetting(t)
	s.source.Put(registrytest.Version{Subject: "a", Version: 1, ID: 1, Schema: address, References: []registrytest.Reference{{Name: "x", Subject: "b", Version: 1}}})
	s.source.Put(registrytest.Version{Subject: "b", Version: 1, ID: 2, Schema: address, References: []registrytest.Reference{{Name: "x", Subject: "a", Version: 1}}})
	s.source.Put(registrytest.Version{Subject: "c", Version: 1, ID: 3, Schema: address, References: []registrytest.Reference{{Name: "x", Subject: "nowhere", Version: 1}}})
	s.capture(t, noon)
	if _, err := registry.NewArchived(s.world.Archive(), noon).ByID(t.Context(), 1); !errors.Is(err, values.ErrUnknownSchema) || !strings.Contains(err.Error(), "circle") {
		t.Error(err)
	}
	if _, err := registry.NewLive(client(t, s.source)).ByID(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Error(err)
	}
	_, err := registry.NewPlan(t.Context(), s.world.Archive(), noon, client(t, s.target), registry.Options{Choose: func(n string) bool { return n == "c" }})
	if err == nil || !strings.Contains(err.Error(), "nowhere version 1 is referred to and not kept") {
		t.Error(err)
	}
}
