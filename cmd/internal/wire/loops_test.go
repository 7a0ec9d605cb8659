package wire

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// A loop that fails, or panics, is run again, later and later; the others go on,
// and all end with the context.
func TestLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failed, panicked, ended, done atomic.Int64
		a := &Archiver{log: slog.New(slog.DiscardHandler), loops: []Loop{
			{Name: "not configured"},
			{Name: "fails", Run: func(context.Context) error { failed.Add(1); return errors.New("no") }},
			{Name: "panics", Run: func(context.Context) error { panicked.Add(1); panic("no") }},
			{Name: "ends", Run: func(context.Context) error { ended.Add(1); return nil }},
			{Name: "works", Run: func(ctx context.Context) error { <-ctx.Done(); done.Add(1); return nil }},
		}}
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan bool)
		go func() { a.RunLoops(ctx); close(stopped) }()
		time.Sleep(10 * time.Second) // after 1, 3 and 7 s
		synctest.Wait()
		if failed.Load() != 4 || panicked.Load() != 4 || ended.Load() != 1 || done.Load() != 0 {
			t.Errorf("%d, %d, %d, %d", failed.Load(), panicked.Load(), ended.Load(), done.Load())
		}
		time.Sleep(time.Hour)
		if n := failed.Load(); n < 15 || n > 25 {
			t.Errorf("failed %d times in an hour", n)
		}
		cancel()
		<-stopped
		if done.Load() != 1 {
			t.Error("a loop did not end with the context")
		}
	})
}

func TestWantedGroups(t *testing.T) {
	c := config.Default()
	want := wantedGroups(c)
	if !want("billing") || !want("a.b") || want("tidemark") {
		t.Error("by default all groups are kept, but our own")
	}
	c.Marks.Groups = []config.GroupChoice{{Name: "a.b"}, {Pattern: "x.*|y"}, {Name: "tidemark"}}
	want = wantedGroups(c)
	for name, kept := range map[string]bool{"a.b": true, "axb": false, "x1": true, "y": true, "zx": false, "yy": false, "tidemark": false} {
		if want(name) != kept {
			t.Errorf("%s: %v", name, !kept)
		}
	}
	c.Marks.Groups = nil
	if wantedGroups(c) != nil {
		t.Error("no group is chosen, and some are kept")
	}
}
