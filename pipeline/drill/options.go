package drill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// Options say what to drill. Topics, Share and Objectives must be set.
type Options struct {
	// Topics are archived topics, each once.
	Topics []string
	// To is the moment that is restored; zero is now.
	To time.Time
	// Share of the segments of each topic is the sample, above 0 and up to 1;
	// at least one segment of each topic.
	Share float64
	// Seed chooses the sample.
	Seed uint64
	// Without is the region that is not used. The archive that is drilled must
	// have been opened without it; here it is only noted.
	Without string
	// Source is a client of the cluster that was archived. Nil: nothing is
	// compared with it, and no recovery point is measured.
	Source *kgo.Client
	// Target is where scratch topics are made; nil restores to nowhere.
	Target *Target
	// Objectives are what the measured times are held against.
	Objectives Objectives
	// Scheduled says that no person asked for it.
	Scheduled bool
	// Program drills; it is noted.
	Program Program

	// MaxRate bounds the bytes read per second, from the archive and from Kafka
	// together; 0 is no bound. The measured rate is then at most that.
	MaxRate int64
	// Parallel is how many partitions are read at once; 0 is 4.
	Parallel int
	// Progress is called now and then, by one goroutine at a time. It must be
	// quick.
	Progress func(Progress)
	// Logger takes what happens on the way.
	Logger *slog.Logger
}

// Target is where a drill restores to.
type Target struct {
	Client *kgo.Client
	// Prefix begins the names of the scratch topics.
	Prefix string
	// Keep leaves the scratch topics where they are.
	Keep bool
	// ReplicationFactor of the scratch topics; 0 is the cluster's default.
	ReplicationFactor int16
	// StateDir takes the state file of the restore while it runs; it must exist.
	StateDir string
	// Archived reports whether a topic of this name would be archived itself, if
	// the cluster is the source. It may be nil.
	Archived func(topic string) bool
}

// Objectives are the times that a drill has to meet; 0 is none.
type Objectives struct {
	// RecoveryTime is how soon the first record has to be back.
	RecoveryTime time.Duration
	// RecoveryPoint is how old the oldest record may be that is not archived.
	RecoveryPoint time.Duration
}

// Program says which program drilled.
type Program struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Progress is how far a drill has come.
type Progress struct {
	// Step is what it is at, in words.
	Step string
	// Records and Bytes were read in this step.
	Records, Bytes int64
	// Done of so many Parts, partitions or segments, are done in this step.
	Done, Parts int
}

func (o Options) validate() error {
	switch {
	case len(o.Topics) == 0:
		return errors.New("drill: no topic given")
	case !(o.Share > 0 && o.Share <= 1):
		return fmt.Errorf("drill: a share of %g: want above 0, up to 1", o.Share)
	case o.Target != nil && o.Target.Client == nil:
		return errors.New("drill: the target has no client")
	}
	return o.request(nil).Validate()
}

func (o Options) withDefaults(now time.Time) Options {
	if o.To.IsZero() {
		o.To = now
	}
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// request is the restore that is tried. What the archive lacks does not refuse
// it: it is a finding.
func (o Options) request(into func(topic string) string) restore.Request {
	r := restore.Request{To: o.To, Topics: map[string]string{}, AllowIncomplete: true, Split: true}
	if r.To.IsZero() {
		r.To = time.Now()
	}
	for _, t := range o.Topics {
		r.Topics[t] = t
		if into != nil {
			r.Topics[t] = into(t)
		}
	}
	if o.Target != nil {
		r.ReplicationFactor = o.Target.ReplicationFactor
	}
	return r
}

// limiter bounds bytes a second; the zero value bounds nothing.
type limiter struct{ rate *rate.Limiter }

// burst is what a limited drill may read at once, in bytes; it waits for it
// afterwards, so that the first record does not wait.
const burst = 1 << 20

func newLimiter(perSecond int64) limiter {
	if perSecond <= 0 {
		return limiter{}
	}
	return limiter{rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// spend waits until so many bytes may have been read.
func (l limiter) spend(ctx context.Context, bytes int) error {
	for l.rate != nil && bytes > 0 {
		n := min(bytes, burst)
		if err := l.rate.WaitN(ctx, n); err != nil {
			return err
		}
		bytes -= n
	}
	return nil
}
