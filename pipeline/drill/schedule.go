package drill

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Schedule drills from time to time, for as long as Run runs. What it goes by is
// in the archive: the last drill that was kept. So a restart, or another member
// of the group, goes on where the one before stopped.
type Schedule struct {
	// Every is the time from one drill to the next, above 0. A tenth of it at the
	// most is added, so that many archives do not drill at once.
	Every time.Duration
	// Leads reports whether this member is the one that drills.
	Leads func() bool
	// Last returns when the newest drill of the archive began; zero for none. It
	// is asked often: every member learns by it of the drills of others.
	Last func(ctx context.Context) (time.Time, error)
	// Drill drills and keeps the result. Its error means that there is none.
	Drill func(ctx context.Context) error
	// Logger takes what goes wrong.
	Logger *slog.Logger
}

const (
	// lookLeast and lookMost bound how often the archive is asked for the last
	// drill.
	lookLeast = time.Minute
	lookMost  = 10 * time.Minute

	// againFirst is the rest after the first failure of a drill, doubled each
	// time, and never more than Every.
	againFirst = time.Minute
)

// Run drills whenever it is due, one drill at a time, until ctx ends. It then
// returns nil. A drill that cannot be made is logged and tried again, later
// each time.
func (s *Schedule) Run(ctx context.Context) error {
	begun := time.Now()
	rest := againFirst
	for ctx.Err() == nil {
		due, err := s.due(ctx, begun)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			s.Logger.Warn("drill: the archive does not tell of the last one", "error", err)
		case time.Now().Before(due):
			rest = againFirst
			pause(ctx, min(time.Until(due), s.look()))
			continue
		case !s.Leads():
			pause(ctx, s.look())
			continue
		default:
			if err = s.Drill(ctx); err == nil {
				rest = againFirst
				continue
			}
			s.warn(ctx, err)
		}
		pause(ctx, rest)
		rest = min(2*rest, s.Every)
	}
	return nil
}

func (s *Schedule) warn(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.Logger.Error("drill could not be made", "error", err)
	}
}

// due is when the next drill is to begin. An archive that was never drilled is
// drilled a while after the start: it may have nothing in it yet.
func (s *Schedule) due(ctx context.Context, begun time.Time) (time.Time, error) {
	last, err := s.Last(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if last.IsZero() {
		return begun.Add(min(s.Every, lookMost)), nil
	}
	return last.Add(s.Every).Add(s.jitter(last)), nil
}

// jitter is up to a tenth of Every. It follows from the last drill, so that all
// members agree on it.
func (s *Schedule) jitter(last time.Time) time.Duration {
	h := fnv.New64a()
	_ = binary.Write(h, binary.BigEndian, last.UnixNano()) // a hash takes everything
	seed := h.Sum64()
	return time.Duration(rand.New(rand.NewPCG(seed, seed)).Int64N(int64(s.Every/10) + 1))
}

func (s *Schedule) look() time.Duration {
	return min(max(s.Every/10, lookLeast), lookMost)
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) { _ = wait(ctx, d) }
