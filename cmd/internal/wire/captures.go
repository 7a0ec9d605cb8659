package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/acls"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/registry"
	"github.com/tidemark-io/tidemark/pipeline/telemetry"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// RegistryClient returns a client of the schema registry that is configured,
// nil where none is. It makes no connection. What is wrong with the files that
// are named is a *config.Error.
func RegistryClient(c *config.SchemaRegistry) (*registry.Client, error) {
	if c.URL == "" {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pool, err := certificates(c.CAFile)
		if err != nil {
			return nil, &config.Error{Key: "schema_registry.ca_file", Err: err}
		}
		conf.RootCAs = pool
	}
	if c.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, &config.Error{Key: "schema_registry.cert_file", Err: err}
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	o := registry.ClientOptions{URL: c.URL, Username: c.Username, Password: c.Password.Reveal(), TLS: conf}
	if !c.Token.IsZero() || c.TokenFile != "" {
		o.Token = registryToken(c)
	}
	return registry.NewClient(o)
}

// registryToken reads a token file again at each request.
func registryToken(c *config.SchemaRegistry) func() (string, error) {
	return func() (string, error) {
		if c.TokenFile == "" {
			return c.Token.Reveal(), nil
		}
		text, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return "", fmt.Errorf("read token: %w", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
}

// Schemas returns where the schemas of framed values are looked for: in the
// archive, as they were at an instant (zero is the end of time), and then in the
// registry that is configured, if there is one.
func (a *Archive) Schemas(at time.Time) (values.Schemas, error) {
	all := registry.Either{registry.NewArchived(a.Cover, at)}
	client, err := RegistryClient(&a.Config.SchemaRegistry)
	if err != nil {
		return nil, err
	}
	if client != nil {
		all = append(all, registry.NewLive(client))
	}
	return all, nil
}

// subjects is nil where all are chosen.
func subjects(c *config.SchemaRegistry) func(string) bool {
	if c.Subjects == "" {
		return nil
	}
	return regexp.MustCompile("^(?:" + c.Subjects + ")$").MatchString // validated
}

// captureKeeper locks for as long as roll-ups are locked: a record of seven
// years ago needs its schema.
func (a *Archive) captureKeeper(signer *signed.Signer) *documents.Keeper {
	k := a.Keeper(signer)
	if k.RetainFor > 0 {
		k.RetainFor = max(k.RetainFor, a.Config.RollUp.Retain.Std())
	}
	k.Failed = func(region string, d names.Document, err error) {
		a.Log.Warn("a region did not take a document; heal copies it", "region", region, "document", d.String(), "error", err)
	}
	return k
}

// schemasLoop keeps what a schema registry holds.
func (a *Archive) schemasLoop(x *Archiver, signer *signed.Signer, m *telemetry.Captures) Loop {
	c := &a.Config.SchemaRegistry
	if c.URL == "" {
		return Loop{}
	}
	return Loop{Name: "schemas", Run: func(ctx context.Context) error {
		client, err := RegistryClient(c)
		if err != nil {
			return err
		}
		capturer := registry.Capturer{Client: client, Archive: a.Cover, Keeper: a.captureKeeper(signer), Choose: subjects(c)}
		l := look{what: "schemas", every: c.Every.Std(), leads: x.Leads, metrics: m, log: a.Log}
		return l.run(ctx, func(now time.Time) (bool, error) {
			got, err := capturer.Once(ctx, now)
			if got.Changed {
				a.Log.Info("kept schemas", "subjects", got.Subjects, "versions", got.Versions, "documents", got.Documents)
				for _, o := range got.Omitted {
					a.Log.Error("a schema is too large to be kept", "subject", o.Subject, "version", o.Version, "id", o.ID, "bytes", o.Bytes)
				}
			}
			return got.Changed, err
		})
	}}
}

// aclsLoop keeps the access rules of the cluster, with a Kafka client of its
// own.
func (a *Archive) aclsLoop(x *Archiver, signer *signed.Signer, m *telemetry.Captures) Loop {
	c := a.Config.ACLs
	if !c.Capture {
		return Loop{}
	}
	return Loop{Name: "acls", Run: func(ctx context.Context) error {
		options, err := KafkaOptions(&a.Config.Kafka, a.Log)
		if err != nil {
			return err
		}
		client, err := kgo.NewClient(options...)
		if err != nil {
			return fmt.Errorf("open client for access rules: %w", err)
		}
		defer client.Close()
		capturer := acls.Capturer{Client: client, Archive: a.Cover, Keeper: a.captureKeeper(signer)}
		l := look{what: "acls", every: c.Every.Std(), leads: x.Leads, metrics: m, log: a.Log}
		return l.run(ctx, func(now time.Time) (bool, error) {
			got, err := capturer.Once(ctx, now)
			switch {
			case got.Changed && got.Disabled:
				a.Log.Info("the cluster has no authorizer, and so no access rules to keep")
			case got.Changed:
				a.Log.Info("kept access rules", "rules", got.Rules)
			}
			return got.Changed, err
		})
	}}
}

// look looks at something from time to time, while this member leads.
type look struct {
	what    string
	every   time.Duration
	leads   func() bool
	metrics *telemetry.Captures
	log     *slog.Logger
}

// asksToLead is how often a member that does not lead asks whether it does now.
const asksToLead = time.Second

// firstRetry is how soon a look that failed is tried again, longer each time
// up to every.
const firstRetry = 5 * time.Second

// run looks until ctx ends, and then returns nil: what fails is logged and tried
// again, and all that while the last look grows old in the metrics.
func (l look) run(ctx context.Context, once func(now time.Time) (changed bool, err error)) error {
	defer l.metrics.Leads(l.what, false)
	retry := firstRetry
	for ctx.Err() == nil {
		leads := l.leads()
		l.metrics.Leads(l.what, leads)
		if !leads {
			rest(ctx, asksToLead)
			continue
		}
		changed, err := once(time.Now().UTC().Truncate(time.Millisecond))
		if ctx.Err() != nil {
			break
		}
		l.metrics.Looked(l.what, changed, err)
		if err == nil {
			retry = firstRetry
			rest(ctx, l.every)
			continue
		}
		l.log.Warn("keep what belongs to the topics", "what", l.what, "error", err)
		rest(ctx, retry)
		retry = min(2*retry, l.every)
	}
	return nil
}
