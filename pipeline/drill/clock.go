package drill

import (
	"sync"
	"time"
)

// clock measures one restore. It is safe for concurrent use.
type clock struct {
	begun    time.Time
	progress func(Progress)

	mu             sync.Mutex
	planned        time.Duration
	first          time.Duration // negative before the first record
	all            time.Duration // negative before the end
	records, bytes int64
	done, parts    int
}

func startClock(progress func(Progress)) *clock {
	return &clock{begun: time.Now(), progress: progress, planned: -1, first: -1, all: -1}
}

// plan notes that the plan is made.
func (c *clock) plan(parts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.planned, c.parts = time.Since(c.begun), parts
}

// back notes records that are back.
func (c *clock) back(records, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first < 0 && records > 0 {
		c.first = time.Since(c.begun)
	}
	c.records += records
	c.bytes += bytes
	c.show()
}

// partDone notes that a partition is back.
func (c *clock) partDone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	c.show()
}

func (c *clock) show() {
	c.progress(Progress{Step: "restoring", Records: c.records, Bytes: c.bytes, Done: c.done, Parts: c.parts})
}

// finish notes that everything is back.
func (c *clock) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = time.Since(c.begun)
}

func (c *clock) recovery() Recovery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Recovery{PlannedMS: ms(c.planned), FirstMS: ms(c.first), AllMS: ms(c.all), Records: c.records, Bytes: c.bytes}
}

// ms rounds up: what took time did not take none. A negative span stays so.
func ms(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// steps counts what is done in a step that is not timed.
type steps struct {
	progress func(Progress)
	mu       sync.Mutex
	now      Progress
}

func (s *steps) add(records, bytes int64, done int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Records += records
	s.now.Bytes += bytes
	s.now.Done += done
	s.progress(s.now)
}
