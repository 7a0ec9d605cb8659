package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// Options say how a plan is executed. All but StateFile have defaults.
type Options struct {
	// StateFile is where the restore keeps what it needs to resume. It stays
	// after the end, so that executing the plan once more finds nothing to do.
	// Its folder must exist.
	StateFile string
	// MaxRate bounds the bytes produced per second; 0 is no bound.
	MaxRate int64
	// Parallel is how many partitions are read at once; 0 is as many as have
	// room in memory.
	Parallel int
	// Memory bounds the bytes of batches that wait for a broker. A larger batch
	// waits alone.
	Memory int64
	// StallTimeout is how long a partition may go without a batch acknowledged.
	StallTimeout time.Duration
	// Progress is called after every acknowledged batch, by one goroutine at a
	// time. It must be quick.
	Progress func(Progress)
	// Logger takes what happens on the way.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	if o.StallTimeout <= 0 {
		o.StallTimeout = defaultStall
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// execution is one run of a plan.
type execution struct {
	plan    *Plan
	source  Source
	target  *target
	options Options
	logger  *slog.Logger
	state   *state
	resumed bool

	leaders leaders
	sender  sender
	// holds reports whether a batch is in the log of a broker.
	holds   func(ctx context.Context, broker int32, p place, item loaded) (bool, error)
	memory  *semaphore.Weighted
	buffers buffers
	limiter *rate.Limiter

	mu       sync.Mutex
	progress Progress
}

// Execute brings the plan's records into the target, or goes on where an
// earlier run with the same state file stopped. The client must produce with
// all acks, which is its default.
//
// After nil every record of the plan is in the target and acknowledged by all
// its in-sync replicas. After an error, a cancelled context among them, the
// same call resumes. A plan with refusals is a [RefusedError] and one that
// differs from the state file's [ErrPlanChanged]; nothing is written then.
func Execute(ctx context.Context, plan *Plan, src Source, client *kgo.Client, options Options) (Result, error) {
	if err := plan.check(); err != nil {
		return Result{}, err
	}
	if err := plan.Refused(); err != nil {
		return Result{}, err
	}
	if options.StateFile == "" {
		return Result{}, errors.New("begin restore: no state file is named, and without one it could not be resumed")
	}
	if options.Parallel <= 0 {
		options.Parallel = plan.parallel()
	}
	x := newExecution(plan, src, client, options.withDefaults())
	if err := x.begin(ctx); err != nil {
		return Result{}, fmt.Errorf("begin restore: %w", err)
	}
	lanes, err := x.lanes(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("begin restore: %w", err)
	}
	if err := x.run(ctx, lanes); err != nil {
		return Result{}, err
	}
	if err := x.confirm(ctx, lanes); err != nil {
		return Result{}, err
	}
	return x.result(lanes), nil
}

func newExecution(plan *Plan, src Source, client *kgo.Client, options Options) *execution {
	x := &execution{
		plan: plan, source: src, target: &target{client: client}, options: options, logger: options.Logger,
		memory: semaphore.NewWeighted(options.Memory),
	}
	x.leaders = leaders{target: x.target, topics: plan.into()}
	x.holds = x.inLog
	if options.MaxRate > 0 {
		x.limiter = rate.NewLimiter(rate.Limit(options.MaxRate), int(min(options.MaxRate, requestBytes)))
	}
	return x
}

// begin makes state file and target topics, or finds them as an earlier run
// left them. What exists after a crash
//
//	before the state file: nothing; the next run begins anew
//	before the topic ids are in it: topics without records; the next run finds or creates the others
//	after: all that is needed; the next run goes on from the target's end offsets
func (x *execution) begin(ctx context.Context) error {
	var err error
	x.state, err = loadState(x.options.StateFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = x.claim(ctx)
	case err != nil:
		return err
	case x.state.Plan.Digest != x.plan.Digest:
		return fmt.Errorf("state file %s: %w", x.options.StateFile, ErrPlanChanged)
	default:
		x.resumed = true
	}
	if err != nil {
		return err
	}
	if x.state.Topics != nil {
		return x.recognise(ctx)
	}
	return x.create(ctx)
}

// lanes makes one lane a partition.
func (x *execution) lanes(ctx context.Context) ([]*lane, error) {
	var lanes []*lane
	for _, t := range x.plan.Topics {
		there, err := x.arrived(ctx, t)
		if err != nil {
			return nil, err
		}
		for _, p := range t.Partitions {
			lanes = append(lanes, x.lane(t, p, there[p.Number]))
			x.progress.MaxRecords += p.MaxRecords
			x.progress.Partitions++
		}
	}
	return lanes, nil
}

func (x *execution) lane(t TopicPlan, p PartitionPlan, there arrival) *lane {
	return &lane{
		execution: x, topic: t, plan: p, place: place{t.Into, p.Number}, id: x.state.Topics[t.Into], there: there.records, last: there.last,
		cutter: x.plan.cutter(&p, t.MaxMessageBytes),
		result: PartitionResult{
			From: t.From, Into: t.Into, Number: p.Number, Resumed: there.records, FirstOffset: -1, LastOffset: -1, Gaps: p.Gaps,
		},
	}
}

// run owns all goroutines of the restore: they have ended when it returns. The
// first lane that fails stops the others.
func (x *execution) run(ctx context.Context, lanes []*lane) error {
	lines, err := openLines(ctx, x.target.client, linesPerBroker)
	if err != nil {
		return err
	}
	defer lines.close()
	sendCtx, stop := context.WithCancel(ctx)
	var workers errgroup.Group
	x.sender = sender{lines: lines, ctx: sendCtx, workers: &workers, offices: map[route]*office{}}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(x.options.Parallel)
	for _, l := range lanes {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err := l.run(ctx)
			x.finished(err)
			return err
		})
	}
	err = g.Wait()
	stop()
	return errors.Join(err, workers.Wait())
}
