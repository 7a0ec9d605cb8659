package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// join opens the group's client. franz-go speaks the group protocol and
// nothing else here: every partition is paused before it could fetch, offsets
// are committed by us, and its idea of where to start is not used.
func (a *Archiver) join() error {
	opts := slices.Concat(a.cfg.Client, []kgo.Opt{
		kgo.ConsumerGroup(a.cfg.Group),
		kgo.DisableAutoCommit(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(a.onAssigned),
		kgo.OnPartitionsRevoked(a.onRevoked),
		kgo.OnPartitionsLost(a.onLost),
		kgo.AdjustFetchOffsetsFn(a.onCommitted),
		kgo.WithHooks(groupErrors{a.log}),
	}, subscribe(a.cfg.Topics), a.cfg.Membership)
	a.mu.Lock() // the first assignment waits until there is a client to commit with
	defer a.mu.Unlock()
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("open group client: %w", err)
	}
	a.group = client
	return nil
}

// groupErrors logs what keeps us out of the group. franz-go tries again by
// itself, and would tell only whoever polls records.
type groupErrors struct{ log *slog.Logger }

func (g groupErrors) OnGroupManageError(err error) {
	g.log.Error("consumer group", "error", err)
}

// subscribe asks for the topics by name, or, as soon as one pattern is among
// them, all by pattern: a client does one or the other.
func subscribe(topics []Topic) []kgo.Opt {
	var list []string
	patterns := slices.ContainsFunc(topics, func(t Topic) bool { return t.Pattern != "" })
	for _, t := range topics {
		switch {
		case t.Pattern != "":
			list = append(list, "^(?:"+t.Pattern+")$")
		case patterns:
			list = append(list, "^"+regexp.QuoteMeta(t.Name)+"$")
		default:
			list = append(list, t.Name)
		}
	}
	opts := []kgo.Opt{kgo.ConsumeTopics(list...)}
	if patterns {
		opts = append(opts, kgo.ConsumeRegex())
	}
	return opts
}

// onAssigned begins with new partitions. It does not wait for them: finding
// the tails takes time, and the group's heartbeats go on meanwhile.
func (a *Archiver) onAssigned(_ context.Context, client *kgo.Client, m map[string][]int32) {
	client.PauseFetchPartitions(m)
	a.touch()
	for _, k := range keysOf(m) {
		a.start(k)
	}
}

// onRevoked stores and commits what is open in the partitions before they go
// to another member. Nothing is given up earlier, and nothing is committed for
// them later.
func (a *Archiver) onRevoked(_ context.Context, _ *kgo.Client, m map[string][]int32) {
	a.touch()
	ctx, cancel := context.WithTimeout(a.ctx, a.cfg.Grace)
	defer cancel()
	if err := a.giveUp(ctx, a.part(keysOf(m)), false); err != nil {
		a.log.Warn("partitions given up before all was stored; the next owner fetches the rest again", "error", err)
	}
}

// onLost forgets the partitions: another member may have them already. What
// was about to be stored may still land, and does no harm there.
func (a *Archiver) onLost(_ context.Context, _ *kgo.Client, m map[string][]int32) {
	a.touch()
	ps := a.part(keysOf(m))
	for _, p := range ps {
		p.log.Warn("partition lost: the group went on without us")
		p.drop()
	}
	for _, p := range ps {
		<-p.done
		a.delete(p)
	}
}

// onCommitted looks at the offsets that the group has committed. They are a
// hint and a witness, never where to start; one ahead of the archive is worth
// an alarm, because somebody has reset it.
func (a *Archiver) onCommitted(_ context.Context, m map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, ps := range m {
		for n, o := range ps {
			a.witness[Key{topic, n}] = o.EpochOffset().Offset
		}
	}
	return m, nil
}

// giveUp stores and commits everything that the partitions have, and forgets
// them. It returns nil if all of it is durable in every region. To level the
// regions first is for leaving only: a rebalance must not wait for a region.
func (a *Archiver) giveUp(ctx context.Context, ps []*partition, level bool) error {
	for _, p := range ps {
		p.release()
	}
	var errs []error
	for _, p := range ps {
		if !p.await(ctx) {
			errs = append(errs, fmt.Errorf("%s/%d: not everything was stored in time: %w", p.key.Topic, p.key.Partition, ctx.Err()))
		}
		if p.failed.Load() {
			errs = append(errs, fmt.Errorf("%s/%d: stopped by an error", p.key.Topic, p.key.Partition))
		}
		if level {
			a.levelRegions(ctx, p)
		}
		if p.tails.known() && !p.tails.level() {
			errs = append(errs, fmt.Errorf("%s/%d: a region is behind", p.key.Topic, p.key.Partition))
		}
	}
	// The commit gets a moment of its own: the grace period may be over.
	commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCommit)
	defer cancel()
	if err := a.commits.flush(commit, ps); err != nil {
		a.log.Warn("last commit", "error", err) // a hint only: the regions know better
	}
	for _, p := range ps {
		a.delete(p)
	}
	return errors.Join(errs...)
}

func keysOf(m map[string][]int32) []Key {
	var keys []Key
	for topic, ps := range m {
		for _, n := range ps {
			keys = append(keys, Key{topic, n})
		}
	}
	slices.SortFunc(keys, func(a, b Key) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition) - int(b.Partition)
	})
	return keys
}
