package objects_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

// recorder keeps what an Observer is told.
type recorder struct {
	mu      sync.Mutex
	calls   []objects.Call
	waits   []time.Duration
	states  []objects.BreakerState
	hits    int
	lookups int
}

func (r *recorder) Call(c objects.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
}

func (r *recorder) Retry(_, _ string, _ error, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waits = append(r.waits, wait)
}

func (r *recorder) Breaker(_ string, state objects.BreakerState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, state)
}

func (r *recorder) Cache(_ string, hit bool, _ int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lookups++
	if hit {
		r.hits++
	}
}

// The whole stack keeps the contract.
func TestStack(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) objects.Store {
		return objects.Stack(objects.NewMemory(objects.MemoryOptions{ObjectLock: true}), objects.Options{
			Retry: objects.RetryOptions{First: time.Microsecond}, Cache: objects.CacheOptions{Bytes: 1}, Observer: &recorder{}})
	})
}

func TestRetryUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := objectstest.NewFaulty(objects.NewMemory(objects.MemoryOptions{}),
			objectstest.Fault{Op: "put", Do: objectstest.SlowDown, Times: 5}, objectstest.Fault{Op: "put", Do: objectstest.Conflict, Times: 2})
		rec := &recorder{}
		s := objects.Retry(f, objects.RetryOptions{Observer: rec})
		mustPut(t, s, "k", "x", objects.PutOptions{})
		if f.Calls("put") != 8 || len(rec.waits) != 7 {
			t.Errorf("%d calls and %d waits, want 8 and 7", f.Calls("put"), len(rec.waits))
		}
		if rec.waits[6] <= rec.waits[0] {
			t.Errorf("waits do not grow: %v", rec.waits)
		}
	})
}

func TestRetryEnds(t *testing.T) {
	for name, c := range map[string]struct {
		fault     objectstest.Effect
		cancel    bool
		calls     int // 0 is any number above 1
		retryable bool
	}{
		"refused is final":      {fault: objectstest.Forbid, calls: 1},
		"damaged where it lies": {fault: objectstest.Damage, calls: 3, retryable: true},
		"budget":                {fault: objectstest.FailBefore, retryable: true},
		"the context is ending": {fault: objectstest.FailBefore, cancel: true, retryable: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				if c.cancel {
					ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
				}
				defer cancel()
				f := objectstest.NewFaulty(objects.NewMemory(objects.MemoryOptions{}), objectstest.Fault{Do: c.fault})
				_, err := objects.Retry(f, objects.RetryOptions{}).Get(ctx, "k")
				if objects.Retryable(err) != c.retryable || errors.Is(err, context.DeadlineExceeded) != c.cancel {
					t.Errorf("error %v", err)
				}
				if n := f.Calls("get"); n != c.calls && (c.calls != 0 || n < 2) {
					t.Errorf("%d calls, want %d", n, c.calls)
				}
			})
		})
	}
}

// A list that breaks off is taken up behind the last key: none twice, none
// missing.
func TestRetryListGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := objects.NewMemory(objects.MemoryOptions{})
		for i := range 20 {
			mustPut(t, m, fmt.Sprintf("k%02d", i), "x", objects.PutOptions{})
		}
		f := objectstest.NewFaulty(m, objectstest.Fault{Op: "list", Key: "k07", Do: objectstest.SlowDown, Times: 2},
			objectstest.Fault{Op: "list", Key: "k19", Do: objectstest.FailBefore, Times: 1})
		i := 0
		for info, err := range objects.Retry(f, objects.RetryOptions{}).List(t.Context(), "", "") {
			if err != nil || info.Key != fmt.Sprintf("k%02d", i) {
				t.Fatalf("entry %d: %q, %v", i, info.Key, err)
			}
			i++
		}
		if i != 20 {
			t.Errorf("%d keys, want 20", i)
		}
	})
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := objects.NewMemory(objects.MemoryOptions{})
		f := objectstest.NewFaulty(m, objectstest.Fault{Do: objectstest.FailBefore})
		rec := &recorder{}
		s := objects.Breaker(f, objects.BreakerOptions{Failures: 3, Pause: time.Minute, Observer: rec})
		for range 10 {
			if _, err := s.Get(t.Context(), "k"); !objects.Retryable(err) {
				t.Fatalf("get: %v", err)
			}
		}
		if _, err := s.Get(t.Context(), "k"); !errors.Is(err, objects.ErrOpen) || f.Calls("get") != 3 {
			t.Errorf("the breaker is not open after 3 failures: %v, %d calls", err, f.Calls("get"))
		}
		f.Set()
		time.Sleep(2 * time.Minute) // the bubble's clock
		if _, err := s.Get(t.Context(), "k"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after the pause: %v, want an answer of the store", err)
		}
		want := []objects.BreakerState{objects.BreakerOpen, objects.BreakerHalfOpen, objects.BreakerClosed}
		if fmt.Sprint(rec.states) != fmt.Sprint(want) {
			t.Errorf("states %v, want %v", rec.states, want)
		}
	})
}

// Answers that say nothing about the store's health never open the breaker.
func TestBreakerStaysClosed(t *testing.T) {
	for _, do := range []objectstest.Effect{objectstest.Conflict, objectstest.Forbid, objectstest.TakenAfter, objectstest.ShortBody} {
		f := objectstest.NewFaulty(objects.NewMemory(objects.MemoryOptions{}), objectstest.Fault{Do: do})
		s := objects.Breaker(f, objects.BreakerOptions{Failures: 2})
		for i := range 10 {
			if _, err := s.Get(t.Context(), fmt.Sprint(i)); errors.Is(err, objects.ErrOpen) {
				t.Errorf("%v opened the breaker", do)
			}
		}
	}
}

// A store that hangs ends as a failure, and opens the breaker too.
func TestTimeoutOpensBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := objectstest.NewFaulty(objects.NewMemory(objects.MemoryOptions{}), objectstest.Fault{Do: objectstest.Hang})
		s := objects.Breaker(objects.Timeout(f, time.Second), objects.BreakerOptions{Failures: 2})
		start := time.Now()
		for range 2 {
			var e *objects.Error
			if _, err := s.Stat(t.Context(), "k"); !errors.As(err, &e) || e.Code != objects.CodeTimeout || !e.Retryable {
				t.Errorf("a store that hangs: %v", err)
			}
		}
		if _, err := s.Stat(t.Context(), "k"); !errors.Is(err, objects.ErrOpen) || time.Since(start) != 2*time.Second {
			t.Errorf("third call: %v after %v", err, time.Since(start))
		}
	})
}

func TestCache(t *testing.T) {
	for _, size := range []int{0, 1, 100, 60<<10 - 1, 60 << 10, 64 << 10, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			m := objects.NewMemory(objects.MemoryOptions{})
			body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
			mustPut(t, m, "a.seg", string(body), objects.PutOptions{})
			f, rec := objectstest.NewFaulty(m), &recorder{}
			s := objects.Cache(f, objects.CacheOptions{Bytes: 32 << 20, Observer: rec})
			for range 3 {
				got, err := s.Get(t.Context(), "a.seg")
				if err != nil || !bytes.Equal(got, body) {
					t.Fatalf("get: %d bytes, %v", len(got), err)
				}
				clear(got) // what a caller does to its copy stays its own
				for _, off := range []int64{0, int64(size / 3)} {
					checkRange(t, s, body, off, size/2)
				}
			}
			if f.Calls("get") != 1 || f.Calls("readat") > 2 || rec.lookups-rec.hits > 3 {
				t.Errorf("%d gets and %d ranges reached the store; %d hits of %d", f.Calls("get"), f.Calls("readat"), rec.hits, rec.lookups)
			}
		})
	}
}

func checkRange(t *testing.T, s objects.Store, body []byte, off int64, length int) {
	t.Helper()
	if length == 0 {
		return
	}
	p := make([]byte, length)
	n, err := s.ReadAt(t.Context(), "a.seg", p, off)
	if n != length || err != nil || !bytes.Equal(p, body[off:off+int64(length)]) {
		t.Fatalf("range of %d at %d: %d, %v", length, off, n, err)
	}
}

// Key pages lose keys: none may stay in the cache. Nor may an error, or the
// end of an object.
func TestCacheKeepsOnlyWriteOnce(t *testing.T) {
	m := objects.NewMemory(objects.MemoryOptions{})
	mustPut(t, m, "pages/1.keys", "secret", objects.PutOptions{})
	mustPut(t, m, "a.seg", "12345", objects.PutOptions{})
	f := objectstest.NewFaulty(m)
	s := objects.Cache(f, objects.CacheOptions{Bytes: 32 << 20})
	for range 3 {
		s.Get(t.Context(), "pages/1.keys")
		s.ReadAt(t.Context(), "pages/1.keys", make([]byte, 2), 0)
		if _, err := s.Get(t.Context(), "absent.seg"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get of what is absent: %v", err)
		}
		if n, err := s.ReadAt(t.Context(), "a.seg", make([]byte, 9), 0); n != 5 || err != io.EOF {
			t.Errorf("range beyond the end: %d, %v", n, err)
		}
	}
	if f.Calls("get") != 6 || f.Calls("readat") != 6 {
		t.Errorf("%d gets and %d ranges reached the store, want 6 and 6", f.Calls("get"), f.Calls("readat"))
	}
}

func TestObserve(t *testing.T) {
	rec := &recorder{}
	f := objectstest.NewFaulty(objects.NewMemory(objects.MemoryOptions{}), objectstest.Fault{Op: "stat", Do: objectstest.Forbid})
	s := objects.Observe(f, rec)
	mustPut(t, s, "k", "12345", objects.PutOptions{})
	s.Put(t.Context(), "k", nil, objects.PutOptions{})
	s.Get(t.Context(), "absent")
	s.Stat(t.Context(), "k")
	s.ReadAt(t.Context(), "k", make([]byte, 9), 0)
	for range s.List(t.Context(), "", "") {
	}
	var got []string
	for _, c := range rec.calls {
		got = append(got, fmt.Sprintf("%s %s %d", c.Op, c.Class, c.N))
	}
	want := []string{"put ok 5", "put taken 0", "get absent 0", "stat refused 0", "readat ok 5", "list ok 1"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("calls %q, want %q", got, want)
	}
}

func TestPrometheus(t *testing.T) {
	reg := prometheus.NewRegistry()
	p, err := objects.NewPrometheus(reg)
	if err != nil {
		t.Fatal(err)
	}
	s := objects.Stack(objects.NewMemory(objects.MemoryOptions{}), objects.Options{Observer: p, Cache: objects.CacheOptions{Bytes: 1}})
	mustPut(t, s, "a.seg", "12345", objects.PutOptions{})
	for range 2 {
		if _, err := s.Get(t.Context(), "a.seg"); err != nil {
			t.Fatal(err)
		}
	}
	p.Retry("s", "put", io.ErrUnexpectedEOF, time.Second)
	p.Breaker("s", objects.BreakerOpen)
	families, err := reg.Gather()
	if err != nil || len(families) != 5 {
		t.Errorf("%d metric families, %v, want 5", len(families), err)
	}
	if _, err := objects.NewPrometheus(reg); err == nil {
		t.Error("registered twice")
	}
}

// A reader with another region to ask does not wait for an open breaker.
func TestRetryGivesUpAtAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := objectstest.NewFaulty(objects.NewMemory(objects.MemoryOptions{}), objectstest.Fault{Do: objectstest.FailBefore})
		s := objects.Retry(objects.Breaker(f, objects.BreakerOptions{Failures: 2, Pause: time.Minute}), objects.RetryOptions{GiveUpOpen: true})
		for range 3 {
			if _, err := s.Get(t.Context(), "k"); !errors.Is(err, objects.ErrOpen) {
				t.Errorf("%v, want ErrOpen", err)
			}
		}
		if n := f.Calls("get"); n != 2 {
			t.Errorf("%d calls reached the store, want 2", n)
		}
	})
}

// What would take a large part of the cache passes by it.
func TestCacheLeavesOutWhatIsLarge(t *testing.T) {
	for size, reached := range map[int]int{2 << 20: 1, 2<<20 + 1: 2} {
		m := objects.NewMemory(objects.MemoryOptions{})
		mustPut(t, m, "a.seg", string(make([]byte, size)), objects.PutOptions{})
		f := objectstest.NewFaulty(m)
		s := objects.Cache(f, objects.CacheOptions{Bytes: 32 << 20})
		for range 2 {
			if _, err := s.Get(t.Context(), "a.seg"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.ReadAt(t.Context(), "a.seg", make([]byte, size), 0); err != nil {
				t.Fatal(err)
			}
		}
		if f.Calls("get") != reached || f.Calls("readat") != reached {
			t.Errorf("%d bytes: %d gets and %d ranges reached the store, want %d", size, f.Calls("get"), f.Calls("readat"), reached)
		}
	}
}
