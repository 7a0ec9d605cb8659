package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/bench/report"
)

// Generator produces one workload to one topic, once.
type Generator struct {
	options  Options
	bank     *bank
	schedule *schedule
	ledger   *Ledger
	tally    tally
}

// Result is what became of a run.
type Result struct {
	// Rate is what was asked for and what was held, in events that the broker
	// acknowledged, aborted ones among them.
	Rate report.Rate `json:"rate"`
	// Events are those acknowledged that count; Aborted those that an aborted
	// transaction took back.
	Events  int64 `json:"events"`
	Aborted int64 `json:"aborted"`
	// Bytes are the keys and values of Events, Wire their batches as sent.
	Bytes int64 `json:"bytes"`
	Wire  int64 `json:"wire"`
	// Started is when the first batch was due, Ended when the last answer came.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
}

// New encodes the batches of a workload: some seconds of CPU for large events
// or many partitions. It does not speak to the cluster.
func New(o Options) (*Generator, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("make load: %w", err)
	}
	b, err := newBank(o)
	if err != nil {
		return nil, fmt.Errorf("make load: %w", err)
	}
	w := o.Workload
	w.EventBytes = int(float64(b.totals.bytes)/float64(b.totals.events) + 0.5)
	w.Ratio = b.totals.ratio()
	if w.Codec == "none" {
		w.Ratio = 1
	}
	facts := Facts{Topic: o.Topic, Workload: w, Partitioned: o.Partitioned}
	for _, n := range b.needles {
		facts.Needles = append(facts.Needles, Needle{Key: string(n.key), Partition: n.partition})
	}
	g := &Generator{options: o, bank: b, ledger: NewLedger(facts)}
	g.schedule = newSchedule(o, b)
	g.tally.needles = make([]int, len(b.needles))
	return g, nil
}

// Workload is what Run produces, with its size and ratio as measured on the
// bank. The ratio of codec none is 1.
func (g *Generator) Workload() report.Workload { return g.ledger.Workload }

// Ledger is what was acknowledged so far. Its needles and result are complete
// when Run has returned.
func (g *Generator) Ledger() *Ledger { return g.ledger }

// Acknowledged is how many events were acknowledged so far, aborted ones and
// those of open transactions among them.
func (g *Generator) Acknowledged() int64 { return g.tally.acknowledged() }

// Create makes the topic, with so many replicas and the given settings.
func (g *Generator) Create(ctx context.Context, replicas int16, settings map[string]string) error {
	client, err := kgo.NewClient(g.options.Client...)
	if err != nil {
		return fmt.Errorf("create topic %s: %w", g.options.Topic, err)
	}
	defer client.Close()
	configs := map[string]*string{}
	for k, v := range settings {
		configs[k] = &v
	}
	_, err = kadm.NewClient(client).CreateTopic(ctx, int32(g.options.Workload.Partitions), replicas, configs, g.options.Topic)
	if err != nil {
		return fmt.Errorf("create topic %s: %w", g.options.Topic, err)
	}
	return nil
}

// Run produces until all events are acknowledged, or ctx is over, which is no
// error: what was sent by then is waited for, and transactions are ended.
// Numbers of events are rounded up to whole batches.
func (g *Generator) Run(ctx context.Context) (Result, error) {
	r, err := g.run(ctx)
	if err != nil {
		return r, fmt.Errorf("produce to topic %s: %w", g.options.Topic, err)
	}
	return r, nil
}

func (g *Generator) run(ctx context.Context) (r Result, err error) {
	t, err := newTopology(ctx, g.options)
	if err != nil {
		return r, err
	}
	g.ledger.TopicID = t.id
	workers, err := g.workers(ctx, t)
	for _, w := range workers {
		defer w.client.Close()
	}
	if err != nil {
		return r, err
	}
	started := time.Now()
	g.schedule.begin(started)
	group, inner := errgroup.WithContext(ctx)
	for _, w := range workers {
		group.Go(func() error { return w.run(inner) })
	}
	err = group.Wait()
	return g.result(started, time.Now()), err
}

func (g *Generator) workers(ctx context.Context, t *topology) ([]*worker, error) {
	workers := make([]*worker, g.options.InFlight)
	var errs []error
	for i := range workers {
		w, err := newWorker(ctx, g, t, i)
		if err != nil {
			errs = append(errs, err)
			workers = workers[:i]
			break
		}
		workers[i] = w
	}
	return workers, errors.Join(errs...)
}

// result closes the books.
func (g *Generator) result(started, ended time.Time) Result {
	r := g.tally.result()
	r.Started, r.Ended = started, ended
	r.Rate = report.Rate{Asked: g.options.Workload.Rate, Behind: g.schedule.end(ended).Seconds()}
	if took := ended.Sub(started).Seconds(); took > 0 {
		r.Rate.Held = float64(r.Events+r.Aborted) / took
	}
	for i := range g.ledger.Needles {
		g.ledger.Needles[i].Events = g.tally.needles[i]
	}
	g.ledger.Facts.Result = r
	return r
}

// tally counts what was acknowledged and settled.
type tally struct {
	mu      sync.Mutex
	sum     Result
	open    int64 // events acknowledged in open transactions
	needles []int
}

// sent is a batch that was acknowledged.
type sent struct {
	item
	base int64
	crc  uint32
	at   time.Time
}

func (t *tally) hold(batches []sent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range batches {
		t.open += int64(b.template.events)
	}
}

// settle counts batches whose fate is known; held are those that hold was told
// of.
func (t *tally) settle(batches []sent, held, aborted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range batches {
		n := int64(b.template.events)
		if held {
			t.open -= n
		}
		if aborted {
			t.sum.Aborted += n
			continue
		}
		t.sum.Events += n
		t.sum.Bytes += b.template.bytes
		t.sum.Wire += int64(len(b.template.batch))
		if i := b.template.needle; i >= 0 {
			t.needles[i]++
		}
	}
}

func (t *tally) acknowledged() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum.Events + t.sum.Aborted + t.open
}

func (t *tally) result() Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum
}
