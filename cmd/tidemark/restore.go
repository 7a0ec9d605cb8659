package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/groups"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// restoreFlags are what restore is asked for.
type restoreFlags struct {
	requestFlags
	groupFlags
	withFlags
	fileFlags
	brokers   []string
	stateFile string
	planOnly  bool
	save      string
	execute   string
	maxRate   config.Size
	settings  bool
	rollback  string
}

func restoreCommand(a *app) *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "restore --to TIME --topic A=B",
		Short: "Bring topics back as they were at a moment",
		Long: `Bring topics back as they were at a moment.

What belongs to the moment is one of these:

  --to TIME                      every record whose timestamp is at or before TIME
  --to TIME --cut transactions   transactions whose last commit marker is at or
                                 before TIME, whole, and no part of any other;
                                 records outside transactions by their timestamp
  --mark MARK                    exactly what was archived at a mark
  --offsets FILE                 exactly what lies below these offsets

Records come in offset order, with key, value, headers, timestamp and partition.
A timestamp is what the record carries: its producer's, which need not be in
order, so that a record may come back although one before it does not; or, where
the topic has LogAppendTime, the broker's, which the target keeps as its create
time. TIME is RFC 3339 or Unix milliseconds.

First there is a plan; it is refused, before anything is written, if the target
is not empty, differs from what a restore needs, or if the archive cannot vouch
for the moment. --plan shows it and stops, --save keeps it in a file, and
--execute does what a kept plan says, or nothing if the target has changed.

A restore that was interrupted goes on where it stopped when the same command is
run again; a changed one is refused.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), a, cmd) },
	}
	fs := cmd.Flags()
	f.requestFlags.flags(fs)
	f.fileFlags.flags(fs)
	f.groupFlags.flags(fs)
	f.withFlags.flags(fs)
	fs.StringVar(&f.rollback, "rollback-groups", "", "put consumer groups back to where they were before a restore, as its `file` says")
	fs.StringSliceVar(&f.brokers, "target-brokers", nil, "another cluster than the configured one, as `host:port,…`")
	fs.BoolVar(&f.planOnly, "plan", false, "show the plan and stop")
	fs.StringVar(&f.save, "save", "", "keep the plan in a `file`, for --execute")
	fs.StringVar(&f.execute, "execute", "", "do what the plan in a `file` says")
	fs.StringVar(&f.stateFile, "state", "", "`file` that lets an interrupted restore go on (default: below state_dir)")
	fs.Var(textValue{&f.maxRate}, "max-rate", "most bytes to produce a second, such as 50MiB")
	fs.BoolVar(&f.settings, "settings", false, "give the restored topics the source's settings, as a last step; --plan shows what they would do")
	return cmd
}

// restoreMemory is what a restore holds at once, in bytes: the segments that
// partitions are read from and those fetched ahead, and batches that wait for a
// broker.
const restoreMemory = 256 << 20

// restoring is one run of the verb.
type restoring struct {
	*restoreFlags
	app     *app
	cmd     *cobra.Command
	archive *wire.Archive
	source  restore.Source
	// client is the target's, nil where files are.
	client *kgo.Client
	// state is the file that lets an interrupted restore go on.
	state string
}

func (f *restoreFlags) check() error {
	switch {
	case f.rollback != "":
		if f.given() || f.execute != "" {
			return errors.New("--rollback-groups restores nothing: leave out what is to come back")
		}
		return nil
	case f.execute == "":
		return f.checkCut()
	case f.given():
		return errors.New("--execute does what the plan in its file says: leave out what is to come back, and up to where")
	}
	return nil
}

func (f *restoreFlags) run(ctx context.Context, a *app, cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return usage(err)
	}
	opened, err := a.open(ctx, wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	a.limitMemory(restoreMemory)
	r := &restoring{restoreFlags: f, app: a, cmd: cmd, archive: opened, source: restore.FromArchive(opened.Cover, a.reporter(cmd))}
	if f.directory == "" {
		if r.client, err = f.target(opened); err != nil {
			return err
		}
		defer r.client.Close()
	}
	if f.rollback != "" {
		return groups.Rollback(ctx, f.rollback, r.client)
	}
	return r.run(ctx)
}

func (r *restoring) run(ctx context.Context) error {
	plan, err := r.plan(ctx)
	if err != nil {
		return err
	}
	if r.planOnly || r.save != "" {
		return r.show(plan)
	}
	if err := plan.refused(); err != nil {
		return err
	}
	for _, text := range slices.Concat(plan.Warnings, plan.Notes) {
		fmt.Fprintln(r.cmd.ErrOrStderr(), "warning:", text)
	}
	if r.client == nil {
		return r.files(ctx, plan)
	}
	return r.bring(ctx, plan)
}

// target opens the cluster to restore into.
func (f *restoreFlags) target(a *wire.Archive) (*kgo.Client, error) {
	kafka := a.Config.Kafka
	if len(f.brokers) > 0 {
		kafka.Brokers = f.brokers
	} else if err := a.Config.NeedKafka(); err != nil {
		return nil, err
	}
	return openKafka(&kafka, a)
}

// sourceCluster is the id of the cluster that is archived, empty if it does not
// answer: that is when one restores.
func (r *restoring) sourceCluster(ctx context.Context) string {
	if len(r.brokers) == 0 {
		return clusterID(ctx, r.client)
	}
	if len(r.archive.Config.Kafka.Brokers) == 0 {
		return ""
	}
	source, err := openKafka(&r.archive.Config.Kafka, r.archive)
	if err != nil {
		return ""
	}
	defer source.Close()
	return clusterID(ctx, source)
}

func openKafka(k *config.Kafka, a *wire.Archive) (*kgo.Client, error) {
	opts, err := wire.KafkaOptions(k, a.Log)
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(opts...)
}

// askFor bounds the question for a cluster's id, which is only a precaution.
const askFor = 5 * time.Second

func clusterID(ctx context.Context, client *kgo.Client) string {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	m, err := kadm.NewClient(client).BrokerMetadata(ctx)
	if err != nil {
		return ""
	}
	return m.Cluster
}

// stateIn returns the state file: one for each set of target topics, so that
// running the same command again finds it, and a changed one is noticed.
func (f *restoreFlags) stateIn(cfg *config.Config, req restore.Request) (string, error) {
	file := f.stateFile
	if file == "" {
		var pairs []string
		for _, from := range slices.Sorted(maps.Keys(req.Topics)) {
			pairs = append(pairs, from+"="+req.Topics[from])
		}
		sum := sha256.Sum256([]byte(strings.Join(pairs, "\n") + "\n" + strings.Join(f.brokers, ",")))
		file = filepath.Join(cfg.StateDir, "restore", fmt.Sprintf("%x.json", sum[:8]))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", fmt.Errorf("make folder for the state of the restore: %w", err)
	}
	return file, nil
}
