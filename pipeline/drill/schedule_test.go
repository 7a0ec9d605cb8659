package drill

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// plan of a schedule that runs in virtual time.
type timetable struct {
	*Schedule
	last   time.Time
	began  []time.Duration // since the start
	start  time.Time
	inside int
	// From these on since the start, it is ours to drill, drills go well, and the
	// archive answers.
	leadsAt, worksAt, answersAt time.Duration

	takes time.Duration
}

func newTimetable(t *testing.T, every time.Duration) *timetable {
	tt := &timetable{start: time.Now(), takes: time.Minute}
	tt.Schedule = &Schedule{
		Every: every, Logger: slog.New(slog.DiscardHandler),
		Leads: func() bool { return time.Since(tt.start) >= tt.leadsAt },
		Last: func(context.Context) (time.Time, error) {
			if time.Since(tt.start) < tt.answersAt {
				return time.Time{}, errNoRegion
			}
			return tt.last, nil
		},
		Drill: func(ctx context.Context) error {
			tt.inside++
			defer func() { tt.inside-- }()
			if tt.inside > 1 {
				t.Error("two drills at once")
			}
			tt.began = append(tt.began, time.Since(tt.start))
			if time.Since(tt.start) < tt.worksAt {
				return errNoRegion
			}
			began := time.Now()
			if err := wait(ctx, tt.takes); err != nil {
				return err
			}
			tt.last = began
			return nil
		},
	}
	return tt
}

var errNoRegion = errors.New("no region answers")

// during runs the schedule for so long.
func (tt *timetable) during(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	_ = tt.Run(ctx)
}

// In ten days there are ten drills a day apart, a tenth of it later at the most.
func TestScheduleDaily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := newTimetable(t, 24*time.Hour)
		tt.during(10 * 24 * time.Hour)
		if n := len(tt.began); n < 9 || n > 10 {
			t.Errorf("%d drills in ten days: %v", n, tt.began)
		}
		for i := 1; i < len(tt.began); i++ {
			if gap := tt.began[i] - tt.began[i-1]; gap < 24*time.Hour || gap > 27*time.Hour {
				t.Errorf("drill %d came %s after the one before", i, gap)
			}
		}
	})
}

// A restart does not drill again: the last one stands in the archive. An overdue
// one is made at once.
func TestScheduleGoesByTheArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := newTimetable(t, 24*time.Hour)
		tt.last = time.Now().Add(-10 * time.Hour)
		tt.during(13 * time.Hour)
		if len(tt.began) != 0 {
			t.Errorf("drilled %v after a restart", tt.began)
		}
		tt = newTimetable(t, 24*time.Hour)
		tt.last = time.Now().Add(-100 * time.Hour)
		tt.during(time.Hour)
		if len(tt.began) != 1 || tt.began[0] > time.Minute {
			t.Errorf("overdue, and drilled at %v", tt.began)
		}
	})
}

// Who does not lead does not drill, and begins soon after it leads.
func TestScheduleOfOneMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := newTimetable(t, 24*time.Hour)
		tt.leadsAt = 72 * time.Hour
		tt.during(80 * time.Hour)
		if len(tt.began) != 1 || tt.began[0] < 72*time.Hour || tt.began[0] > 73*time.Hour {
			t.Errorf("drilled at %v", tt.began)
		}
	})
}

// A drill that cannot be made is tried again, less and less often, and goes on
// in its rhythm once it can. An archive that does not answer is asked again.
func TestScheduleSurvivesErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := newTimetable(t, 24*time.Hour)
		tt.worksAt = 12 * time.Hour
		tt.during(48 * time.Hour)
		failed := 0
		for i, at := range tt.began {
			if at < 12*time.Hour {
				failed++
			}
			if i > 1 && i < failed && tt.began[i]-tt.began[i-1] < tt.began[i-1]-tt.began[i-2] {
				t.Errorf("tried more often: %v", tt.began)
			}
		}
		if failed < 5 || failed > 12 || len(tt.began) < failed+1 {
			t.Errorf("%d failures, then %d drills: %v", failed, len(tt.began)-failed, tt.began)
		}
		tt = newTimetable(t, 24*time.Hour)
		tt.last, tt.answersAt = time.Now().Add(-100*time.Hour), time.Hour
		tt.during(3 * time.Hour)
		if len(tt.began) != 1 || tt.began[0] < time.Hour {
			t.Errorf("drilled at %v, and the archive did not tell when for an hour", tt.began)
		}
	})
}

// A drill that is under way when the archiver stops ends with it.
func TestScheduleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := newTimetable(t, time.Hour)
		tt.last, tt.takes = time.Now().Add(-100*time.Hour), 24*time.Hour
		tt.during(30 * time.Minute)
		if since := time.Since(tt.start); len(tt.began) != 1 || since > 31*time.Minute {
			t.Errorf("%v, ended after %s", tt.began, since)
		}
	})
}
