package objects_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

func isStalled(err error) bool {
	var e *objects.Error
	return errors.As(err, &e) && e.Code == objects.CodeStalled && e.Retryable
}

// Row 38: over real HTTP, a body that stops in the middle is given up, and one that goes on is not, although it takes
// several times as long as it may stand still.
func TestRow38BodyThatStandsStill(t *testing.T) {
	const limit, parts, part = 300 * time.Millisecond, 12, 64 << 10
	for name, stops := range map[string]bool{"stops": true, "goes on": false} {
		t.Run(name, func(t *testing.T) {
			bare := openHandler(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(parts*part))
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", parts*part-1, parts*part))
				w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
				w.WriteHeader(http.StatusPartialContent)
				tick := time.NewTicker(limit / 3)
				defer tick.Stop()
				for i := range parts {
					w.Write(bytes.Repeat([]byte{byte(i)}, part))
					w.(http.Flusher).Flush()
					if stops && i == parts/2 {
						<-r.Context().Done()
						return
					}
					<-tick.C
				}
			})
			s := objects.Stall(bare, limit)
			p := make([]byte, parts*part)
			n, err := s.ReadAt(t.Context(), "k", p, 0)
			if stops && !isStalled(err) || !stops && (err != nil || n != len(p)) {
				t.Errorf("readat: %d bytes, %v", n, err)
			}
			if _, err := s.Get(t.Context(), "k"); stops && !isStalled(err) || !stops && err != nil {
				t.Errorf("get: %v", err)
			}
		})
	}
}

// A body that trickles stands still as well: it would go on for ever.
func TestRow38BodyThatTrickles(t *testing.T) {
	bare := openHandler(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			w.Write([]byte{1})
			w.(http.Flusher).Flush()
			<-tick.C
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := objects.Stall(bare, 200*time.Millisecond).Get(ctx, "k"); !isStalled(err) {
		t.Errorf("get: %v", err)
	}
}

// A store that says nothing stands still, and so does a list whose next key does not come. The end
// of the caller's own context stays what it is.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := objects.NewMemory(objects.MemoryOptions{})
		for i := range 5 {
			mustPut(t, m, fmt.Sprintf("k%d", i), "x", objects.PutOptions{})
		}
		f := objectstest.NewFaulty(m, objectstest.Fault{Key: "k3", Do: objectstest.Hang})
		s := objects.Stall(f, time.Second)
		for op, call := range map[string]func(context.Context) error{
			"get":    func(ctx context.Context) error { _, err := s.Get(ctx, "k3"); return err },
			"readat": func(ctx context.Context) error { _, err := s.ReadAt(ctx, "k3", make([]byte, 1), 0); return err },
			"stat":   func(ctx context.Context) error { _, err := s.Stat(ctx, "k3"); return err },
			"list":   func(ctx context.Context) error { _, err := listAll(ctx, s); return err },
		} {
			begin := time.Now()
			if err := call(t.Context()); !isStalled(err) || time.Since(begin) > 3*time.Second {
				t.Errorf("%s: %v after %s", op, err, time.Since(begin))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || isStalled(err) {
				t.Errorf("%s, with a caller that gives up first: %v", op, err)
			}
			cancel()
		}
		if seen, _ := listAll(t.Context(), s); seen != 3 {
			t.Errorf("a list that broke off gave %d keys, want 3", seen)
		}
	})
}

func listAll(ctx context.Context, s objects.Store) (n int, err error) {
	for _, err := range s.List(ctx, "", "") {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// What a caller does between two keys is its own time.
func TestStallLetsTheReaderOfAListRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := objects.NewMemory(objects.MemoryOptions{})
		for i := range 5 {
			mustPut(t, m, fmt.Sprintf("k%d", i), "x", objects.PutOptions{})
		}
		for _, err := range objects.Stall(m, time.Second).List(t.Context(), "", "") {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second) // the bubble's clock
		}
	})
}

// Writes are not watched: who sends cannot see what arrives.
func TestStallLetsWritesPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := objectstest.NewFaulty(objects.NewMemory(objects.MemoryOptions{}), objectstest.Fault{Op: "put", Do: objectstest.Hang})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := objects.Stall(f, time.Second).Put(ctx, "k", nil, objects.PutOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("put: %v", err)
		}
	})
}

// The stack gives a hung store up by its stall limit, not by its time-out, and the breaker remembers.
func TestRow40HungStoreIsGivenUpSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := objectstest.NewFaulty(objects.NewMemory(objects.MemoryOptions{}), objectstest.Fault{Do: objectstest.Hang})
		s := objects.Stack(f, objects.Options{Timeout: time.Hour, Stall: 4 * time.Second,
			Retry: objects.RetryOptions{Budget: 5 * time.Second, GiveUpOpen: true}, Breaker: objects.BreakerOptions{Failures: 2}})
		begin := time.Now()
		if _, err := s.Get(t.Context(), "k"); err == nil || time.Since(begin) > 10*time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		begin = time.Now()
		if _, err := s.Get(t.Context(), "k"); !errors.Is(err, objects.ErrOpen) || time.Since(begin) > time.Second {
			t.Errorf("the second call: %v after %s", err, time.Since(begin))
		}
	})
}

// narrow is a store that serves so many calls at a time and refuses the rest with 503 SlowDown.
type narrow struct {
	objects.Store
	room      int64
	out, most atomic.Int64
	refused   atomic.Int64
}

func (n *narrow) Get(ctx context.Context, key string) ([]byte, error) {
	out := n.out.Add(1)
	defer n.out.Add(-1)
	for most := n.most.Load(); out > most && !n.most.CompareAndSwap(most, out); most = n.most.Load() {
	}
	time.Sleep(100 * time.Millisecond) // the bubble's clock
	if out > n.room {
		n.refused.Add(1)
		return nil, &objects.Error{Op: "get", Key: key, Store: n.Name(), Code: "SlowDown", Retryable: true}
	}
	return n.Store.Get(ctx, key)
}

// Row 33: a store that asks for less gets less: fewer calls at a time, few refusals among many, and everything is done.
// When there is room again, the calls become more again.
func TestRow33SlowDownLowersConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := objects.NewMemory(objects.MemoryOptions{})
		mustPut(t, m, "k", "x", objects.PutOptions{})
		n := &narrow{Store: m, room: 8}
		s := objects.Retry(objects.Breaker(objects.Gentle(n), objects.BreakerOptions{}), objects.RetryOptions{Budget: -1})
		load := func(calls int) {
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for range calls {
						if _, err := s.Get(t.Context(), "k"); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
		}
		load(20) // the first all go out at once
		n.refused.Store(0)
		n.most.Store(0)
		load(50)
		if refused, most := n.refused.Load(), n.most.Load(); refused > 320 || most > 16 {
			t.Errorf("%d of 3200 calls were refused, %d were out at a time where there is room for 8", refused, most)
		}
		n.room = 1000
		load(50)
		if most := n.most.Load(); most < 16 {
			t.Errorf("at most %d calls at a time, with room for 1000", most)
		}
	})
}

// Who waits for a turn and gives up leaves none behind, and takes none away.
func TestGentleGivesPlacesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := objects.NewMemory(objects.MemoryOptions{})
		mustPut(t, m, "k", "x", objects.PutOptions{})
		n := &narrow{Store: m}
		s := objects.Gentle(n)
		for range 20 {
			s.Get(t.Context(), "k") // one call at a time from here on
			time.Sleep(2 * time.Second)
		}
		n.room = 1000
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*37*time.Millisecond)
				defer cancel()
				if _, err := s.Get(ctx, "k"); err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if _, err := s.Get(t.Context(), "k"); err != nil {
			t.Error(err)
		}
	})
}
