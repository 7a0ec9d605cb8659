package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/landed"
	"github.com/tidemark-io/tidemark/bench/load"
	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/codec/names"
)

// tailEvery is how often the stores are asked for the tails.
const tailEvery = time.Second

// look is what the stores and the broker said at one time.
type look struct {
	at    time.Time
	tails []int64 // of each partition, the first offset that a region lacks
	ends  int64   // of all partitions together, at the broker
}

// tailWatch looks at the tails of a live point while it runs.
type tailWatch struct {
	topic  *topic
	opened *Archive
	client *kgo.Client
	tails  *landed.Tails

	stop  context.CancelFunc
	ended chan struct{}

	mu    sync.Mutex
	looks []look
	err   error
}

func openTails(ctx context.Context, j *job, t *topic, a *archive) (*tailWatch, error) {
	opened, err := a.servers.Open(ctx, a.file)
	if err != nil {
		return nil, fmt.Errorf("watch tails: %w", err)
	}
	w := &tailWatch{topic: t, opened: opened, stop: func() {}}
	if w.client, err = kgo.NewClient(j.servers.Client...); err != nil {
		_ = opened.Close()
		return nil, fmt.Errorf("watch tails: %w", err)
	}
	topics, err := kadm.NewClient(w.client).ListTopics(ctx, t.name)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		w.close()
		return nil, fmt.Errorf("watch tails: ask for the topic's id: %w", err)
	}
	w.tails = landed.NewTails(t.name, names.TopicID(topics[t.name].ID), j.spec.Workload.Partitions, opened.places())
	return w, nil
}

func (w *tailWatch) close() {
	w.end()
	w.client.Close()
	_ = w.opened.Close() // nothing was written
}

// start begins to look.
func (w *tailWatch) start(ctx context.Context) {
	ctx, w.stop = context.WithCancel(ctx)
	w.ended = make(chan struct{})
	go func() {
		defer close(w.ended)
		tick := time.NewTicker(tailEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l, err := w.look(ctx)
				w.note(l, err)
			}
		}
	}()
}

// end stops looking.
func (w *tailWatch) end() {
	w.stop()
	if w.ended != nil {
		<-w.ended
	}
}

// look asks once. The broker is asked first, so that no lag is too high by what
// was produced meanwhile.
func (w *tailWatch) look(ctx context.Context) (look, error) {
	ends, err := kadm.NewClient(w.client).ListEndOffsets(ctx, w.topic.name)
	if err != nil {
		return look{}, fmt.Errorf("ask for end offsets: %w", err)
	}
	var l look
	ends.Each(func(o kadm.ListedOffset) { l.ends += o.Offset })
	seen, err := w.tails.Poll(ctx)
	if err != nil {
		return look{}, fmt.Errorf("look at tails: %w", err)
	}
	l.at, l.tails = seen.At, seen.Next
	return l, nil
}

func (w *tailWatch) note(l look, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err = err; err == nil {
		w.looks = append(w.looks, l)
	}
}

// reach waits until the tails have reached the end of what was produced, and
// stops looking. A look that failed is made up for by the next one.
func (w *tailWatch) reach(ctx context.Context, ledger *load.Ledger, archiver *child, patience time.Duration) error {
	err := await(ctx, archiver, patience, func() (bool, error) { return w.complete(ledger), nil })
	w.end()
	if err != nil {
		return fmt.Errorf("wait for the tails to reach the last event: %w", errors.Join(err, w.err))
	}
	return nil
}

// complete reports whether the last look found everything in both regions.
func (w *tailWatch) complete(ledger *load.Ledger) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.looks) == 0 {
		return false
	}
	last := w.looks[len(w.looks)-1]
	for p, next := range last.tails {
		if next < ledger.End(int32(p)) {
			return false
		}
	}
	return true
}

// spreads are the age of the tail, that of the partition where it is oldest,
// and the lag of all partitions together.
func (w *tailWatch) spreads(ledger *load.Ledger) (age, lag *report.Spread) {
	var ages, lags []float64
	for _, l := range w.looks {
		var oldest time.Duration
		var archived int64
		for p, next := range l.tails {
			oldest = max(oldest, ledger.Age(int32(p), next, l.at))
			archived += next
		}
		ages = append(ages, oldest.Seconds())
		lags = append(lags, float64(max(l.ends-archived, 0)))
	}
	return spreadOf(ages), spreadOf(lags)
}
