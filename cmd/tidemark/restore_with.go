package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/acls"
	"github.com/tidemark-io/tidemark/pipeline/registry"
)

// withFlags say what comes back with the topics, on request: schemas and access
// rules, as they were kept last at or before the moment.
type withFlags struct {
	schemas  bool
	registry string
	acls     bool
}

func (f *withFlags) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&f.schemas, "schemas", false, "bring back the schema registry's subjects and versions, with their ids")
	fs.StringVar(&f.registry, "target-registry", "", "the schema registry to bring them into, as `URL`, asked without credentials; for one that wants some override schema_registry in the environment (default: the configured one)")
	fs.BoolVar(&f.acls, "acls", false, "bring back access rules: those of the restored topics under their new names, and all that are not of topics")
}

// registryClient speaks to the registry that schemas come back into. The
// credentials of the configured one are for that one only.
func (r *restoring) registryClient() (*registry.Client, error) {
	c := r.archive.Config.SchemaRegistry
	if url := r.withFlags.registry; url != "" && url != c.URL {
		c = config.SchemaRegistry{URL: url, CAFile: c.CAFile}
	}
	if c.URL == "" {
		return nil, usage(errors.New("--schemas: name a registry with --target-registry, or schema_registry.url in the configuration"))
	}
	return wire.RegistryClient(&c)
}

// planWith says what comes back with the topics.
func (r *restoring) planWith(ctx context.Context, plan *keptPlan) (err error) {
	at := time.UnixMilli(plan.To)
	if r.withFlags.schemas {
		client, err := r.registryClient()
		if err != nil {
			return err
		}
		if plan.Schemas, err = registry.NewPlan(ctx, r.archive.Cover, at, client, registry.Options{}); err != nil {
			return fmt.Errorf("plan schemas: %w", err)
		}
	}
	if r.withFlags.acls {
		if plan.ACLs, err = acls.NewPlan(ctx, r.archive.Cover, at, r.client, acls.Options{Topics: plan.Request.Topics}); err != nil {
			return fmt.Errorf("plan access rules: %w", err)
		}
	}
	return nil
}

// bringSchemas comes before the records, which mean nothing without them.
func (r *restoring) bringSchemas(ctx context.Context, plan *keptPlan) error {
	if plan.Schemas == nil {
		return nil
	}
	client, err := r.registryClient()
	if err != nil {
		return err
	}
	return registry.Apply(ctx, r.archive.Cover, plan.Schemas, client)
}

// bringACLs comes behind the records: rules that deny must not hold up a restore.
func (r *restoring) bringACLs(ctx context.Context, plan *keptPlan) error {
	if plan.ACLs == nil {
		return nil
	}
	return acls.Apply(ctx, r.archive.Cover, plan.ACLs, r.client)
}

// refusedWith is why schemas or access rules refuse the restore.
func (p *keptPlan) refusedWith() error {
	var errs []error
	if p.Schemas != nil {
		if why := p.Schemas.Refused(); len(why) > 0 {
			errs = append(errs, refused(fmt.Errorf("schemas refused: %s", strings.Join(why, "; "))))
		}
	}
	if p.ACLs != nil && len(p.ACLs.Refusals) > 0 {
		errs = append(errs, refused(fmt.Errorf("access rules refused: %s", strings.Join(p.ACLs.Refusals, "; "))))
	}
	return errors.Join(errs...)
}

// writeWith shows what comes back with the topics.
func writeWith(w io.Writer, p *keptPlan) {
	if s := p.Schemas; s != nil {
		fmt.Fprintf(w, "\nSchemas, as of %s: %s made, %d there already.\n", s.At.UTC().Format(time.RFC3339),
			plural(s.Count(registry.Make), "version"), s.Count(registry.Same))
		writeLines(w, "note", s.Notes)
		writeLines(w, "refused", s.Refused())
	}
	if a := p.ACLs; a != nil {
		fmt.Fprintf(w, "\nAccess rules, as of %s: %d made, %d there already; %d others stay.\n", a.At.UTC().Format(time.RFC3339),
			len(a.Missing()), len(a.Items)-len(a.Missing()), a.Others)
		for _, rule := range a.Missing() {
			fmt.Fprintf(w, "  %s\n", rule)
		}
		writeLines(w, "note", a.Notes)
		writeLines(w, "refused", a.Refusals)
	}
}

func writeLines(w io.Writer, what string, lines []string) {
	for _, text := range lines {
		fmt.Fprintf(w, "%s: %s\n", what, text)
	}
}
