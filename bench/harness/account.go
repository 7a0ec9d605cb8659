package harness

import (
	"fmt"
	"time"

	"github.com/tidemark-io/tidemark/bench/report"
)

// Watched is a process that somebody else started, such as a broker. Several
// with one name are added up.
type Watched struct {
	Name string
	PID  int
}

// usage is what a process has taken since it began, by the operating system's
// account, its children that ended included.
type usage struct {
	user, system time.Duration
	peak         int64 // bytes resident, the most there ever were
}

// account is what all watched processes took between two moments.
type account struct {
	watched []Watched
	before  []usage
	machine machineTime
	began   time.Time
}

// machineTime is what the machine's processors did since it started.
type machineTime struct{ busy time.Duration }

// openAccount takes the first look. A process that cannot be looked at is an
// error: a point without it would flatter.
func openAccount(watched []Watched) (*account, error) {
	a := &account{watched: watched, began: time.Now()}
	for _, w := range watched {
		u, err := usageOf(w.PID)
		if err != nil {
			return nil, fmt.Errorf("look at process %d (%s): %w", w.PID, w.Name, err)
		}
		a.before = append(a.before, u)
	}
	var err error
	a.machine, err = machineUsage()
	return a, err
}

// spending is a closed account.
type spending struct {
	processes []report.Process
	wall      time.Duration
	machine   time.Duration // CPU of the whole machine
}

// close takes the second look.
func (a *account) close() (spending, error) {
	var s spending
	for i, w := range a.watched {
		u, err := usageOf(w.PID)
		if err != nil {
			return s, fmt.Errorf("look at process %d (%s) again: %w", w.PID, w.Name, err)
		}
		s.processes = add(s.processes, w.Name, usage{u.user - a.before[i].user, u.system - a.before[i].system, u.peak})
	}
	now, err := machineUsage()
	s.machine, s.wall = now.busy-a.machine.busy, time.Since(a.began)
	return s, err
}

// add puts what a process took to the others of its name.
func add(to []report.Process, name string, u usage) []report.Process {
	for i := range to {
		if to[i].Name == name {
			to[i].User += u.user.Seconds()
			to[i].System += u.system.Seconds()
			to[i].PeakRSS += u.peak
			return to
		}
	}
	return append(to, report.Process{Name: name, User: u.user.Seconds(), System: u.system.Seconds(), PeakRSS: u.peak})
}

// total is the CPU time of all, in seconds.
func total(processes []report.Process) float64 {
	var sum float64
	for _, p := range processes {
		sum += p.CPU()
	}
	return sum
}
