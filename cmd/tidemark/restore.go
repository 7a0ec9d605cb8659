package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// restoreFlags are what restore is asked for.
type restoreFlags struct {
	to           string
	topics       []string
	partitions   []int32
	brokers      []string
	stateFile    string
	planOnly     bool
	maxRate      config.Size
	replicas     int16
	incomplete   bool
	differences  bool
	splitBatches bool
	settings     bool
}

func restoreCommand(a *app) *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "restore --to TIME --topic A=B",
		Short: "Bring topics back as they were at a moment",
		Long: `Bring topics back as they were at a moment.

Every record whose timestamp is at or before TIME comes back, in offset order,
with its key, value, headers, timestamp and partition. TIME is RFC 3339 or Unix
milliseconds. First there is a plan; it is refused, before anything is written,
if the target is not empty, differs from what a restore needs, or if the archive
cannot vouch for the moment.

A restore that was interrupted goes on where it stopped when the same command is
run again; a changed one is refused.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRestore(cmd.Context(), a, f, cmd) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.to, "to", "", "the moment, as `TIME`")
	fs.StringArrayVar(&f.topics, "topic", nil, "restore topic A into topic B, as `A=B`; may be repeated")
	fs.Int32SliceVar(&f.partitions, "partition", nil, "only these partitions")
	fs.StringSliceVar(&f.brokers, "target-brokers", nil, "another cluster than the configured one, as `host:port,…`")
	fs.BoolVar(&f.planOnly, "plan", false, "show the plan and stop")
	fs.StringVar(&f.stateFile, "state", "", "`file` that lets an interrupted restore go on (default: below state_dir)")
	fs.Var(textValue{&f.maxRate}, "max-rate", "most bytes to produce a second, such as 50MiB")
	fs.Int16Var(&f.replicas, "replication-factor", 0, "of topics that are created; 0 is the cluster's default")
	fs.BoolVar(&f.incomplete, "allow-incomplete", false, "accept a moment that the archive cannot wholly vouch for")
	fs.BoolVar(&f.differences, "allow-differences", false, "accept target settings that differ from what a restore needs")
	fs.BoolVar(&f.settings, "settings", false, "give the restored topics the source's settings, as a last step; --plan shows what they would do")
	fs.BoolVar(&f.splitBatches, "split-batches", false, "let batches that the target does not take come back as several")
	_ = cmd.MarkFlagRequired("to")
	_ = cmd.MarkFlagRequired("topic")
	return cmd
}

func runRestore(ctx context.Context, a *app, f restoreFlags, cmd *cobra.Command) error {
	req, err := f.request()
	if err != nil {
		return usage(err)
	}
	opened, err := a.open(ctx, wire.ForReading)
	if err != nil {
		return err
	}
	defer opened.Close()
	a.limitMemory(restoreMemory)
	client, err := f.target(ctx, opened, &req)
	if err != nil {
		return err
	}
	defer client.Close()
	state, err := f.stateIn(opened.Config)
	if err != nil {
		return err
	}
	src := restore.FromArchive(opened.Cover, a.reporter(cmd))
	plan, err := planOf(ctx, src, req, state, client)
	if err != nil {
		return err
	}
	if f.planOnly {
		if err := a.print(cmd, plan, func(w io.Writer) error { return writePlan(w, plan) }); err != nil {
			return err
		}
		return plan.Refused()
	}
	if err := plan.Refused(); err != nil {
		return err
	}
	for _, text := range plan.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", text)
	}
	if err := execute(ctx, a, cmd, plan, src, client, state, int64(f.maxRate)); err != nil || !f.settings {
		return err
	}
	return restore.ApplySettings(ctx, plan, kadm.NewClient(client))
}

// restoreMemory is what a restore holds at once, in bytes: the segments that
// partitions are read from and those fetched ahead, and batches that wait for a
// broker.
const restoreMemory = 256 << 20

func planOf(ctx context.Context, src restore.Source, req restore.Request, state string, client *kgo.Client) (*restore.Plan, error) {
	plan, err := restore.Unfinished(state, req)
	if err != nil || plan != nil {
		return plan, err
	}
	return restore.NewPlan(ctx, src, req, client)
}

func execute(ctx context.Context, a *app, cmd *cobra.Command, plan *restore.Plan, src restore.Source, client *kgo.Client, state string, rate int64) error {
	progress := a.progress(cmd, "restore")
	defer progress.Done()
	result, err := restore.Execute(ctx, plan, src, client, restore.Options{
		StateFile: state, MaxRate: rate, Logger: a.log,
		Progress: func(p restore.Progress) {
			progress.Update("%d of at most %d records, %s, %d of %d partitions done", p.Records, p.MaxRecords, ui.Bytes(p.Bytes), p.Done, p.Partitions)
		},
	})
	if err != nil {
		return err
	}
	progress.Done()
	if err := os.Remove(state); err != nil { // it is done: the next restore of this kind begins anew
		return fmt.Errorf("remove state of the finished restore: %w", err)
	}
	return a.print(cmd, result, func(w io.Writer) error { return writeResult(w, result) })
}

func (f *restoreFlags) request() (restore.Request, error) {
	to, err := ui.ParseTime(f.to)
	if err != nil {
		return restore.Request{}, err
	}
	req := restore.Request{
		To: to, Topics: map[string]string{}, Partitions: f.partitions, ReplicationFactor: f.replicas,
		AllowIncomplete: f.incomplete, AllowDifferences: f.differences, Split: f.splitBatches,
	}
	for _, t := range f.topics {
		from, into, ok := strings.Cut(t, "=")
		if !ok {
			into = from
		}
		if req.Topics[from] != "" {
			return req, fmt.Errorf("--topic %s: named twice", from)
		}
		req.Topics[from] = into
	}
	return req, req.Validate()
}

// target opens the cluster to restore into, and learns which one was archived.
func (f *restoreFlags) target(ctx context.Context, a *wire.Archive, req *restore.Request) (*kgo.Client, error) {
	kafka := a.Config.Kafka
	if len(f.brokers) > 0 {
		kafka.Brokers = f.brokers
	} else if err := a.Config.NeedKafka(); err != nil {
		return nil, err
	}
	client, err := openKafka(&kafka, a)
	if err != nil {
		return nil, err
	}
	if len(f.brokers) == 0 {
		req.SourceCluster = clusterID(ctx, client)
		return client, nil
	}
	if source, err := openKafka(&a.Config.Kafka, a); err == nil && len(a.Config.Kafka.Brokers) > 0 {
		req.SourceCluster = clusterID(ctx, source) // empty if the source is gone: that is when one restores
		source.Close()
	}
	return client, nil
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
func (f *restoreFlags) stateIn(cfg *config.Config) (string, error) {
	file := f.stateFile
	if file == "" {
		topics := slices.Sorted(slices.Values(f.topics))
		sum := sha256.Sum256([]byte(strings.Join(topics, "\n") + "\n" + strings.Join(f.brokers, ",")))
		file = filepath.Join(cfg.StateDir, "restore", fmt.Sprintf("%x.json", sum[:8]))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", fmt.Errorf("make folder for the state of the restore: %w", err)
	}
	return file, nil
}

func writePlan(w io.Writer, p *restore.Plan) error {
	fmt.Fprintf(w, "Restore to %s into cluster %s. %s\n\n", time.UnixMilli(p.To).UTC().Format(time.RFC3339Nano), p.Cluster, p.Rule)
	t := ui.NewTable(w, "topic", "into", "partitions", "segments", "records at most", "stored bytes", "gaps", "target")
	for _, topic := range p.Topics {
		segments, records, bytes, gaps := 0, int64(0), int64(0), 0
		for _, part := range topic.Partitions {
			segments += len(part.Segments)
			records += part.MaxRecords
			bytes += part.MaxBytes
			gaps += len(part.Gaps)
		}
		target := "exists"
		if topic.Create {
			target = "is created"
		}
		t.Row(topic.From, topic.Into, topic.PartitionCount, segments, records, ui.Bytes(bytes), gaps, target)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, topic := range p.Topics {
		for _, d := range topic.Differences {
			fmt.Fprintf(w, "%s: %s is %s, should be %s: %s\n", topic.Into, d.Setting, d.Have, d.Want, d.Effect)
		}
	}
	for _, topic := range p.Topics {
		for _, s := range topic.Settings {
			fmt.Fprintf(w, "%s: with --settings, %s=%s at the end. %s\n", topic.Into, s.Name, s.Value, s.Effect)
		}
	}
	for _, text := range p.Warnings {
		fmt.Fprintf(w, "warning: %s\n", text)
	}
	for _, r := range p.Refusals {
		fmt.Fprintf(w, "refused: %s\n", r.Text)
	}
	return nil
}

func writeResult(w io.Writer, r restore.Result) error {
	t := ui.NewTable(w, "topic", "into", "partition", "records", "bytes", "first offset", "last offset", "gaps")
	for _, p := range r.Partitions {
		t.Row(p.From, p.Into, p.Number, p.Records, ui.Bytes(p.Bytes), p.FirstOffset, p.LastOffset, len(p.Gaps))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s came back.\n", plural(int(r.Records), "record"))
	return err
}
