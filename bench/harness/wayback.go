package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/report"
)

// wayBack measures a verb that reads an archive. The archive is that of the
// last point where it has the same topic and settings, or one that is made
// now and not measured.
func (r *Runner) wayBack(ctx context.Context, j *job) error {
	t, err := r.load(ctx, j)
	if err != nil {
		return err
	}
	a, err := r.archived(ctx, j, t)
	if err != nil {
		return err
	}
	switch j.spec.Kind {
	case report.Restore:
		return r.restore(ctx, j, t, a)
	case report.Cat:
		return r.cat(ctx, j, t, a)
	case report.Verify:
		return r.verify(ctx, j, t, a)
	default:
		return r.find(ctx, j, t, a)
	}
}

// archived returns an archive of the topic that is complete.
func (r *Runner) archived(ctx context.Context, j *job, t *topic) (*archive, error) {
	if a := r.archive; a != nil && a.complete && a.topic == t.name && a.settings == j.spec.Settings {
		return a, nil
	}
	a, err := r.found(ctx, j, t.name)
	if err != nil {
		return nil, err
	}
	r.say("  archiving %d events", t.ledger.Events())
	c, err := r.start(ctx, j, "archive", nil, nil, "archive", "-c", a.file, "--until-caught-up")
	if err != nil {
		return nil, err
	}
	a.complete = true
	return a, c.wait()
}

// restore brings the topic back into the same cluster under another name. What
// came back is counted by reading it from the broker.
func (r *Runner) restore(ctx context.Context, j *job, t *topic, a *archive) error {
	into := j.name + "-restored"
	if err := t.removeRestored(ctx); err != nil {
		return err
	}
	t.restored = into
	now := time.Now().UTC().Format(time.RFC3339Nano)
	if err := r.run(ctx, j, programName, nil, nil, "restore", "-c", a.file, "--to", now, "--topic", t.name+"="+into); err != nil {
		return err
	}
	got, err := countTopic(ctx, t.servers, into)
	if err != nil {
		return err
	}
	j.compareTopic(t, got)
	return nil
}

// compareTopic compares what came back with what was acknowledged, partition
// by partition.
func (j *job) compareTopic(t *topic, got map[int32]int64) {
	c := &report.Check{Expected: t.ledger.Events()}
	for p := range int32(t.ledger.Partitions()) {
		expected := t.ledger.Missing(p, 0)
		j.point.Events += min(got[p], expected)
		c.Lost += max(expected-got[p], 0)
		c.Twice += max(got[p]-expected, 0)
	}
	j.point.Check = c
	j.share(t)
	j.checkLoss()
}

func (t *topic) removeRestored(ctx context.Context) error {
	if t.restored == "" {
		return nil
	}
	return removeTopics(ctx, t.servers, t.restored)
}

// countTopic counts the records of each partition of a topic at the broker. Its
// offsets have no holes: what is restored is produced without transactions.
func countTopic(ctx context.Context, servers *Servers, topic string) (map[int32]int64, error) {
	client, err := kgo.NewClient(servers.Client...)
	if err != nil {
		return nil, fmt.Errorf("count topic %s: %w", topic, err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("count topic %s: %w", topic, err)
	}
	out := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) { out[o.Partition] = o.Offset })
	return out, nil
}

// lines counts what is written to it.
type lines struct{ n atomic.Int64 }

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.n.Add(int64(bytes.Count(b, []byte{'\n'})))
	return len(b), nil
}

// cat prints every record, and the lines are counted.
func (r *Runner) cat(ctx context.Context, j *job, t *topic, a *archive) error {
	var out lines
	if err := r.run(ctx, j, programName, nil, &out, "cat", "-c", a.file, "--topic", t.name); err != nil {
		return err
	}
	j.came(t, out.n.Load())
	return nil
}

// verify decodes every record in both regions.
func (r *Runner) verify(ctx context.Context, j *job, t *topic, a *archive) error {
	var out bytes.Buffer
	if err := r.run(ctx, j, programName, nil, &out, "verify", "-c", a.file, "--deep", "--json"); err != nil {
		return err
	}
	var got struct {
		Totals struct {
			Records int64 `json:"records"`
		} `json:"totals"`
		Equal bool `json:"regions_equal"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		return fmt.Errorf("read what verify said: %w", err)
	}
	if !got.Equal {
		j.verdict.breaks("verify says that the regions differ")
	}
	j.came(t, got.Totals.Records)
	return nil
}
