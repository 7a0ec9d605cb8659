package wire

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/drill"
)

// Drill is a drill that is wired: what to restore, from where, and to where.
type Drill struct {
	Archive *cover.Archive
	ID      names.ArchiveID
	Options drill.Options

	clients []*kgo.Client
}

// DrillChoice is what of a drill the configuration does not say, or not finally.
type DrillChoice struct {
	// Topics are those of the configuration if there are none.
	Topics []string
	// NoSource compares nothing with the cluster that was archived.
	NoSource bool
	// Drill stands in for the section of the configuration.
	Drill config.Drill
}

// NewDrill wires a drill. It asks no region but those that the drill uses. The
// caller closes it.
func (a *Archive) NewDrill(ctx context.Context, choice DrillChoice) (*Drill, error) {
	d := &Drill{ID: a.Trust.Archive()}
	c := choice.Drill
	var err error
	if d.Archive, err = a.without(c.WithoutRegion); err != nil {
		return nil, err
	}
	if err := d.Archive.CheckIdentity(ctx); err != nil {
		return nil, err
	}
	topics := choice.Topics
	if len(topics) == 0 {
		if topics, err = a.drillTopics(ctx, d.Archive); err != nil {
			return nil, err
		}
	}
	d.Options = drill.Options{
		Topics: topics, Share: float64(c.Sample), Seed: rand.Uint64(), Without: c.WithoutRegion, Logger: a.Log,
		Objectives: drill.Objectives{RecoveryTime: c.RecoveryTime.Std(), RecoveryPoint: c.RecoveryPoint.Std()},
	}
	if err := a.connect(d, choice); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close closes the connections to Kafka.
func (d *Drill) Close() error {
	for _, c := range d.clients {
		c.Close()
	}
	return nil
}

// Run drills.
func (d *Drill) Run(ctx context.Context) (*drill.Result, error) {
	return drill.Run(ctx, d.Archive, d.ID, d.Options)
}

// without reads the archive from all regions but one.
func (a *Archive) without(region string) (*cover.Archive, error) {
	if region == "" {
		return a.Cover, nil
	}
	var rest []cover.Region
	for _, r := range a.Regions {
		if r.Name != region {
			rest = append(rest, r.Cover())
		}
	}
	if len(rest) == len(a.Regions) {
		return nil, fmt.Errorf("%q is not the name of a region: want one of %v", region, a.Cover.Regions())
	}
	return cover.New(a.Trust, rest)
}

// drillTopics are those that the configuration names for drills, or else all
// that are archived and that it archives.
func (a *Archive) drillTopics(ctx context.Context, from *cover.Archive) ([]string, error) {
	if named := a.Config.Drill.Topics; len(named) > 0 {
		return named, nil
	}
	parts, err := from.Partitions(ctx, "")
	if err != nil {
		return nil, err
	}
	archives := a.Archives()
	found := map[string]bool{}
	var topics []string
	for _, p := range parts {
		if !found[p.Topic] && (len(a.Config.Topics) == 0 || archives(p.Topic)) {
			found[p.Topic] = true
			topics = append(topics, p.Topic)
		}
	}
	if len(topics) == 0 {
		return nil, errors.New("the archive holds none of the configured topics: there is nothing to drill yet")
	}
	slices.Sort(topics)
	return topics, nil
}

// Archives tells whether a topic of a name is archived by this configuration.
func (a *Archive) Archives() func(topic string) bool {
	var patterns []*regexp.Regexp
	for _, t := range a.Config.Topics {
		pattern := t.Pattern
		if t.Name != "" {
			pattern = regexp.QuoteMeta(t.Name)
		}
		patterns = append(patterns, regexp.MustCompile("^(?:"+pattern+")$")) // validated
	}
	return func(topic string) bool {
		return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(topic) })
	}
}

// connect opens the clusters: the source, and the target if there is one.
func (a *Archive) connect(d *Drill, choice DrillChoice) (err error) {
	if len(a.Config.Kafka.Brokers) > 0 && !choice.NoSource {
		if d.Options.Source, err = a.dialFor(d, a.Config.Kafka.Brokers); err != nil {
			return err
		}
	}
	c := choice.Drill
	if len(c.TargetBrokers) == 0 {
		return nil
	}
	client, err := a.dialFor(d, c.TargetBrokers)
	if err != nil {
		return err
	}
	dir := filepath.Join(a.Config.StateDir, "drill")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder for the state of the drill: %w", err)
	}
	d.Options.Target = &drill.Target{Client: client, Prefix: c.Prefix, StateDir: dir, Archived: a.Archives()}
	return nil
}

func (a *Archive) dialFor(d *Drill, brokers []string) (*kgo.Client, error) {
	kafka := a.Config.Kafka
	kafka.Brokers = brokers
	options, err := KafkaOptions(&kafka, a.Log)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("open client for a drill: %w", err)
	}
	d.clients = append(d.clients, client)
	return client, nil
}

// KeepDrill signs the result of a drill and keeps it in the regions.
func (a *Archive) KeepDrill(ctx context.Context, signer *signed.Signer, r *drill.Result) (*drill.Evidence, error) {
	introduction, err := a.introduction(ctx, signer.ID())
	if err != nil {
		return nil, err
	}
	e, err := drill.Seal(signer, introduction, r)
	if err != nil {
		return nil, err
	}
	keeper := a.Keeper(signer)
	keeper.Failed = func(region string, d names.Document, err error) {
		a.Log.Warn("a region did not take the result of a drill; heal copies it", "region", region, "result", d.String(), "error", err)
	}
	kept, err := keeper.Keep(ctx, names.FolderDrills, e.Result.Started, e.Result)
	if err == nil && kept != e.Name {
		err = fmt.Errorf("kept as %s, signed as %s", kept, e.Name)
	}
	return e, err
}

// introduction is the file in which the root vouches for a signer.
func (a *Archive) introduction(ctx context.Context, id names.SignerID) ([]byte, error) {
	var errs []error
	for _, r := range a.Regions {
		file, err := r.Data.Get(ctx, names.Signer(id))
		if err == nil {
			return file, nil
		}
		errs = append(errs, fmt.Errorf("region %s: %w", r.Name, err))
	}
	return nil, fmt.Errorf("read who introduced signer %s: %w", id, errors.Join(errs...))
}

// keepLimit bounds the keeping of a result after the archiver has stopped.
const keepLimit = 10 * time.Second
