package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/pipeline/values"
)

// Read reads the subjects that choose accepts (nil accepts all), and those
// versions of others that they refer to. Versions never change, and one is
// registered only after those that it refers to; so where a reference leads to
// a version that was not there when its subject was read, the subject is read
// again.
func (c *Client) Read(ctx context.Context, choose func(subject string) bool) (Content, error) {
	names, err := c.Subjects(ctx)
	if err != nil {
		return Content{}, err
	}
	if choose != nil {
		names = slices.DeleteFunc(names, func(n string) bool { return !choose(n) })
	}
	global, err := c.settings(ctx, "")
	if err != nil {
		return Content{}, fmt.Errorf("read the registry's settings: %w", err)
	}
	r := reading{client: c, subjects: map[string]Subject{}}
	for range closureRounds {
		if len(names) == 0 {
			break
		}
		if err := r.read(ctx, names); err != nil {
			return Content{}, err
		}
		names = r.wanting()
	}
	return r.content(global), nil
}

// Subjects lists all subjects, soft-deleted ones too.
func (c *Client) Subjects(ctx context.Context) ([]string, error) {
	var names []string
	if err := c.get(withDeleted(ctx), "/subjects", &names); err != nil {
		return nil, fmt.Errorf("list subjects: %w", err)
	}
	return names, nil
}

// reading collects subjects.
type reading struct {
	client *Client

	mu       sync.Mutex
	subjects map[string]Subject // guarded by mu
	gone     map[place]bool     // references that lead nowhere
}

func (r *reading) read(ctx context.Context, names []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inParallel)
	for _, name := range names {
		g.Go(func() error {
			s, ok, err := r.client.subject(ctx, name)
			if err != nil {
				return fmt.Errorf("read subject %s: %w", name, err)
			}
			if ok {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.subjects[name] = s
			}
			return nil
		})
	}
	return g.Wait()
}

// wanting lists the subjects of references that lead to what is not there, each
// reference once.
func (r *reading) wanting() []string {
	content := Content{}
	for _, s := range r.subjects {
		content.Subjects = append(content.Subjects, s)
	}
	have := content.versions()
	if r.gone == nil {
		r.gone = map[place]bool{}
	}
	names := map[string]bool{}
	for _, v := range have {
		for _, ref := range v.References {
			if p := ref.place(); have[p] == nil && !r.gone[p] {
				names[p.subject], r.gone[p] = true, true
			}
		}
	}
	var list []string
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func (r *reading) content(global Settings) Content {
	c := Content{Global: global}
	for _, s := range r.subjects {
		c.Subjects = append(c.Subjects, s)
	}
	c.sort()
	return c
}

// subject reads one subject. False means that it is gone.
func (c *Client) subject(ctx context.Context, name string) (Subject, bool, error) {
	s := Subject{Name: name}
	all, live, err := c.versionsOf(ctx, name)
	if missing(err) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	for _, n := range all {
		v, err := c.version(ctx, place{name, n})
		if missing(err) {
			continue // permanently deleted since
		}
		if err != nil {
			return s, false, err
		}
		v.Deleted = !slices.Contains(live, n)
		s.Versions = append(s.Versions, v)
	}
	s.Settings, err = c.settings(ctx, name)
	return s, len(s.Versions) > 0, err
}

// versionsOf lists a subject's versions, and those that are not soft-deleted.
func (c *Client) versionsOf(ctx context.Context, name string) (all, live []int, err error) {
	if err := c.get(withDeleted(ctx), versionsPath(name), &all); err != nil {
		return nil, nil, err
	}
	if err := c.get(ctx, versionsPath(name), &live); err != nil && !missing(err) {
		return nil, nil, err
	}
	slices.Sort(all)
	return all, live, nil
}

// version reads one version, soft-deleted or not.
func (c *Client) version(ctx context.Context, p place) (Version, error) {
	var w wireVersion
	if err := c.get(withDeleted(ctx), versionPath(p), &w); err != nil {
		return Version{}, err
	}
	if w.Version != p.version {
		return Version{}, fmt.Errorf("asked for %s, was given version %d", p, w.Version)
	}
	return w.version()
}

func (w wireVersion) version() (Version, error) {
	v := Version{
		Version: w.Version, ID: w.ID, Type: values.SchemaType(cmp.Or(w.Type, string(values.TypeAvro))),
		Schema: w.Schema, References: w.References,
	}
	var err error
	if v.Metadata, err = canonical(w.Metadata); err == nil {
		v.RuleSet, err = canonical(w.RuleSet)
	}
	return v, err
}

// settings reads the settings of a subject, or with an empty name those of the
// registry. What is not set, or not known to this make of registry, is empty.
func (c *Client) settings(ctx context.Context, subject string) (Settings, error) {
	var s Settings
	var mode struct {
		Mode string `json:"mode"`
	}
	if err := c.get(ctx, modePath(subject), &mode); err != nil && !missing(err) && !unsupported(err) {
		return s, err
	}
	var config json.RawMessage
	if err := c.get(ctx, configPath(subject), &config); err != nil && !missing(err) && !unsupported(err) {
		return s, err
	}
	s.Mode = mode.Mode
	var err error
	s.Config, err = canonical(config)
	return s, err
}

// byID reads the schema of an id, wherever it is registered. False means that
// there is none.
func (c *Client) byID(ctx context.Context, id int) (Version, bool, error) {
	w := wireVersion{ID: id}
	err := c.get(ctx, "/schemas/ids/"+strconv.Itoa(id), &w)
	if missing(err) {
		return Version{}, false, nil
	}
	if err != nil {
		return Version{}, false, err
	}
	w.ID = id
	v, err := w.version()
	return v, err == nil, err
}

// schemaOf puts a schema together with those that it refers to.
func schemaOf(at place, find func(place) (*Version, error)) (values.Schema, error) {
	v, err := find(at)
	if err != nil {
		return values.Schema{}, err
	}
	s := values.Schema{Type: v.Type, Text: v.Schema}
	order, err := before(at, find)
	if err != nil {
		return values.Schema{}, err
	}
	for _, p := range order {
		needed, err := find(p)
		if err != nil {
			return values.Schema{}, err
		}
		s.Before = append(s.Before, needed.Schema)
	}
	return s, nil
}

// write makes a request that changes something.
func (c *Client) write(ctx context.Context, method, path string, body any) error {
	var ignored json.RawMessage
	return c.call(ctx, method, path, body, &ignored)
}

// register makes a version with its id and number. The subject must be in mode
// IMPORT.
func (c *Client) register(ctx context.Context, p place, v *Version) error {
	body := wireVersion{
		Version: v.Version, ID: v.ID, Type: string(v.Type), Schema: v.Schema, References: v.References,
		Metadata: v.Metadata, RuleSet: v.RuleSet,
	}
	var made struct {
		ID int `json:"id"`
	}
	if err := c.call(ctx, http.MethodPost, versionsPath(p.subject), body, &made); err != nil {
		return err
	}
	if made.ID != v.ID {
		return fmt.Errorf("asked for id %d, was given %d: the registry does not keep ids in mode IMPORT", v.ID, made.ID)
	}
	return nil
}
