package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/archive"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/drill"
	"github.com/tidemark-io/tidemark/pipeline/heal"
	"github.com/tidemark-io/tidemark/pipeline/telemetry"
	"github.com/tidemark-io/tidemark/sinks/keys"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

// degradeAfter is how long one region may keep a segment waiting that the
// other has. It is a little above the longest retry that a healthy store needs.
const degradeAfter = 15 * time.Second

// Archiver is an archiver with everything that it works with.
type Archiver struct {
	*archive.Archiver
	Metrics *telemetry.Metrics
	// Partitions, unless nil, is told how many partitions are ours whenever
	// that changes. Set it before Run. It must not block.
	Partitions func(n int)
	// Program is what results of drills name. Set it before Run.
	Program drill.Program

	mu    sync.Mutex
	owned int // guarded by mu

	pages   *keys.Writer
	index   *catalogue   // nil where archiving goes on without one
	schemas *nearSchemas // nil without a registry
	loops   []Loop
	log     *slog.Logger
}

// Close wipes the keys and closes the index.
func (a *Archiver) Close() error {
	err := a.pages.Close()
	if a.schemas != nil {
		a.schemas.Close()
	}
	if a.index != nil {
		err = errors.Join(err, a.index.Close())
	}
	return err
}

// NewArchiver wires an archiver. untilCaughtUp ends its Run at the offsets
// that were there at its start.
func (a *Archive) NewArchiver(ctx context.Context, signer *signed.Signer, untilCaughtUp bool) (*Archiver, error) {
	client, err := KafkaOptions(&a.Config.Kafka, a.Log)
	if err != nil {
		return nil, err
	}
	pages, err := a.Pages(signer)
	if err != nil {
		return nil, err
	}
	out := &Archiver{Metrics: telemetry.New(a.Registry), pages: pages, log: a.Log}
	parts := archive.Parts{
		Archive: a.Trust.Archive(), Signer: signer, Secrets: pages, Catalogue: a.Cover,
		Healer: healer{a.Healer(pages)}, TopicConfigs: a.Cover, Hooks: out.counted(out.Metrics.Hooks()), Log: a.Log,
	}
	if x := a.openIndex(); x != nil {
		out.index = x
		parts.Index = x
	}
	for _, r := range a.Regions {
		parts.Regions = append(parts.Regions, archived{writable{r, pages}})
	}
	trees, schemas, err := a.sealingFields()
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	out.schemas = schemas
	cfg := archiveConfig(a.Config)
	for i, t := range a.Config.Topics {
		cfg.Topics[i].Fields = fieldSet(t.Fields, trees)
	}
	cfg.Client, cfg.UntilCaughtUp = client, untilCaughtUp
	out.Archiver = archive.New(cfg, parts)
	out.loops = a.loops(out, signer)
	return out, nil
}

// counted has the hooks tell Partitions, too.
func (a *Archiver) counted(h archive.Hooks) archive.Hooks {
	next := h.Owned
	h.Owned = func(k archive.Key, owned bool) {
		next(k, owned)
		a.mu.Lock()
		defer a.mu.Unlock()
		if owned {
			a.owned++
		} else {
			a.owned--
		}
		if a.Partitions != nil {
			a.Partitions(a.owned)
		}
	}
	return h
}

// Ready returns an error that says which partitions make no progress, and why.
func (a *Archiver) Ready() error {
	var errs []error
	for k, err := range a.Metrics.Stalled() {
		errs = append(errs, fmt.Errorf("%s/%d: %w", k.Topic, k.Partition, err))
	}
	return errors.Join(errs...)
}

// Pages opens the writer of key pages, for an archiver or a healer.
func (a *Archive) Pages(signer *signed.Signer) (*keys.Writer, error) {
	return keys.NewWriter(signer, a.Trust, a.KeyRegions(), keys.Options{Logger: a.Log})
}

func archiveConfig(c *config.Config) archive.Config {
	out := archive.Config{
		Group:      c.Kafka.Group,
		Membership: membership(&c.Kafka),
		Roll: archive.Roll{
			Size: int(c.Segment.Size), Age: c.Segment.Age.Std(), Block: int(c.Segment.Block),
			Compression: compressions[c.Segment.Compression], KeyFilter: c.Segment.KeyFilter,
		},
		Fetch: archive.Fetch{
			MaxWait: c.Fetch.MaxWait.Std(), MinBytes: int32(c.Fetch.MinBytes), MaxBytes: int32(c.Fetch.MaxBytes),
			MaxPartitionBytes: int32(c.Fetch.MaxPartitionBytes), MaxBatchBytes: int32(c.Fetch.MaxRecordBytes),
		},
		Memory: int64(c.Memory), Grace: c.ShutdownGrace.Std(), DegradeAfter: degradeAfter,
	}
	if c.Retention.Mode != config.RetentionNone {
		out.RetainFor = c.Retention.For.Std()
	}
	for _, t := range c.Topics {
		out.Topics = append(out.Topics, archive.Topic{Name: t.Name, Pattern: t.Pattern, Age: t.Age.Std()})
	}
	return out
}

var compressions = map[config.Compression]block.Compression{
	config.CompressionNone: block.None, config.CompressionZstd: block.Zstd, config.CompressionS2: block.S2,
}

// heartbeats are this often in a session: two may be lost.
const heartbeats = 3

// lookAround is how often the group's client asks for all topics: so late are
// a topic that newly matches a pattern and a partition that was added noticed.
// franz-go's 5 minutes would be longer than some topics' retention.
const lookAround = 30 * time.Second

func membership(k *config.Kafka) []kgo.Opt {
	opts := []kgo.Opt{kgo.MetadataMaxAge(lookAround)}
	if k.GroupInstanceID != "" {
		opts = append(opts, kgo.InstanceID(k.GroupInstanceID))
	}
	if k.Balancer == config.BalancerServer {
		return append(opts, kgo.ServerSideBalancer())
	}
	session := k.SessionTimeout.Std()
	return append(opts, kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(session), kgo.HeartbeatInterval(min(session/heartbeats, 3*time.Second)))
}

// healer lets the archiver heal what a region lacks.
type healer struct{ *heal.Healer }

func (h healer) Heal(ctx context.Context, p names.Partition, region string, from archive.Tail) (archive.Tail, error) {
	next, digest, err := h.Healer.Tail(ctx, p, region, from.Next)
	if next <= from.Next {
		return from, err
	}
	return archive.Tail{Next: next, Digest: digest}, err
}

var (
	_ archive.Catalogue = (*cover.Archive)(nil)
	_ archive.Secrets   = (*keys.Writer)(nil)
	_ archive.Region    = archived{}
	_ cover.Objects     = objects.Store(nil)
)
