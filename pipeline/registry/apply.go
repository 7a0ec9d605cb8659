package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// ErrRefused means that a plan is not executed: something else is in the place
// of what it would make, or the target is no longer as the plan found it.
var ErrRefused = errors.New("restoring schemas is refused")

// Apply executes a plan. It reads the set again and looks at the target again:
// what has become a conflict since is refused before anything is changed, and
// what an interrupted Apply has done already is left alone. So it can be run
// again and again until it is done.
//
// Each subject is put into mode IMPORT; versions are registered with their ids
// and numbers, each after what it refers to; those that were soft-deleted are
// soft-deleted again; then come the subjects' configurations and, in every case,
// also after an error or when ctx ends, their modes. In the end everything is
// read back and compared.
func Apply(ctx context.Context, a *cover.Archive, plan *Plan, c *Client) error {
	set, err := At(ctx, a, plan.At)
	if err != nil {
		return err
	}
	if set.Digest != plan.Set {
		return fmt.Errorf("%w: the archive's schemas of %s are set %.16s, the plan was made of %.16s: plan again", ErrRefused, plan.At.Format(time.RFC3339Nano), set.Digest, plan.Set)
	}
	o := plan.choice()
	now, err := planOf(ctx, set, c, o)
	if err != nil {
		return err
	}
	if refused := now.Refused(); len(refused) > 0 {
		return fmt.Errorf("%w: %s", ErrRefused, strings.Join(refused, "; "))
	}
	run := applying{client: c, archived: set.What.Content.versions(), plan: now}
	if err := run.all(ctx); err != nil {
		return err
	}
	return confirm(ctx, set, c, o)
}

// choice is the subjects that a plan speaks of.
func (p *Plan) choice() Options {
	chosen := map[string]bool{}
	for _, i := range p.Items {
		chosen[i.Subject] = true
	}
	return Options{Choose: func(subject string) bool { return chosen[subject] }}
}

// applying is one run.
type applying struct {
	client   *Client
	archived map[place]*Version
	plan     *Plan
}

// all does everything in its order, and sets the modes back whatever happens.
func (r *applying) all(ctx context.Context) (err error) {
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleMode)
		defer cancel()
		err = errors.Join(err, r.modesBack(last))
	}()
	for _, s := range r.plan.Subjects {
		if s.Mode.From == modeImport {
			continue
		}
		if err := r.client.setMode(ctx, s.Subject, modeImport, s.Has); err != nil {
			return fmt.Errorf("put subject %s into mode %s: %w", s.Subject, modeImport, err)
		}
	}
	return r.contents(ctx)
}

func (r *applying) contents(ctx context.Context) error {
	for _, i := range r.plan.Items {
		if i.State != Make {
			continue
		}
		if err := r.client.register(ctx, i.place(), r.archived[i.place()]); err != nil {
			return fmt.Errorf("register %s with id %d: %w", i.place(), i.ID, err)
		}
	}
	// What refers to others goes first: a registry does not delete what is
	// referred to.
	for _, i := range slices.Backward(r.plan.Items) {
		if i.State != Delete && (i.State != Make || !i.Deleted) {
			continue
		}
		if err := r.client.write(ctx, http.MethodDelete, versionPath(i.place()), nil); err != nil {
			return fmt.Errorf("soft-delete %s, as it was: %w", i.place(), err)
		}
	}
	for _, s := range r.plan.Subjects {
		if s.Config == nil {
			continue
		}
		if err := r.client.write(ctx, http.MethodPut, configPath(s.Subject), json.RawMessage(s.Config.To)); err != nil {
			return fmt.Errorf("configure subject %s: %w", s.Subject, err)
		}
	}
	return nil
}

func (r *applying) modesBack(ctx context.Context) error {
	var errs []error
	for _, s := range r.plan.Subjects {
		if s.Mode.To == modeImport {
			continue
		}
		if err := r.client.setMode(ctx, s.Subject, s.Mode.To, s.Has); err != nil {
			errs = append(errs, fmt.Errorf("set the mode of subject %s back to %q: it may still be %s, and takes no new schemas so: run this again: %w",
				s.Subject, s.Mode.To, modeImport, err))
		}
	}
	return errors.Join(errs...)
}

// setMode sets a subject's mode, or takes it away if mode is empty. A registry
// puts a subject that has versions into mode IMPORT only if forced.
func (c *Client) setMode(ctx context.Context, subject, mode string, has bool) error {
	if mode == "" {
		err := c.write(ctx, http.MethodDelete, modePath(subject), nil)
		switch {
		case missing(err):
			return nil // with the last version its mode goes too
		case !unsupported(err):
			return err
		}
		mode = "READWRITE" // older registries cannot take it away
	}
	if mode == modeImport && has {
		ctx = forced(ctx)
	}
	return c.write(ctx, http.MethodPut, modePath(subject), map[string]string{"mode": mode})
}

// confirm plans once more: nothing may be left to do.
func confirm(ctx context.Context, set *Set, c *Client, o Options) error {
	after, err := planOf(ctx, set, c, o)
	if err != nil {
		return fmt.Errorf("read the schemas back: %w", err)
	}
	var wrong []string
	for _, i := range after.Items {
		if i.State != Same {
			wrong = append(wrong, fmt.Sprintf("%s (id %d): %s %s", i.place(), i.ID, i.State, i.Note))
		}
	}
	for _, s := range after.Subjects {
		if s.Config != nil {
			wrong = append(wrong, fmt.Sprintf("subject %s: configuration is %q, want %q", s.Subject, s.Config.From, s.Config.To))
		}
		if s.Mode.From == modeImport && s.Mode.To != modeImport {
			wrong = append(wrong, fmt.Sprintf("subject %s: mode is %s, want %q", s.Subject, s.Mode.From, s.Mode.To))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("read the schemas back: the registry took them and holds something else: %s", strings.Join(wrong, "; "))
	}
	return nil
}
