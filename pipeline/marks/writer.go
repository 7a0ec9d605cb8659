package marks

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/archive"
)

// Heartbeat is the longest time that a partition goes without a mark while it
// is archived, whether anything has changed or not.
const Heartbeat = time.Hour

const (
	// lookWithin bounds what is asked of the brokers for one mark.
	lookWithin = 20 * time.Second
	// lastWithin bounds the last mark, when the archiver has stopped.
	lastWithin = 5 * time.Second
)

// Config says what a writer writes.
type Config struct {
	// Every is the time between two marks.
	Every time.Duration
	// Wanted tells which groups' offsets are kept; nil keeps none.
	Wanted func(group string) bool
	Owner  Owner
	// Groups may be nil where Wanted is.
	Groups Groups
	Keeper Keeper
	Hooks  Hooks
	Log    *slog.Logger
}

// Writer writes the marks of one archiver. Make it with New, and call Run once.
type Writer struct {
	cfg Config
	// known is what was read of each group last.
	known map[string]GroupReading
	// last is the last mark that was kept, as JSON, and at its instant.
	last []byte
	at   time.Time
}

// New makes a writer. It starts nothing.
func New(cfg Config) *Writer {
	return &Writer{cfg: cfg, known: map[string]GroupReading{}}
}

// Run writes marks at whole multiples of the interval, so that those of several
// archivers lie side by side, and a last one when ctx ends. It returns nil then:
// what goes wrong is logged, and tried again the next time.
func (w *Writer) Run(ctx context.Context) error {
	for w.wait(ctx) {
		w.try(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWithin)
	defer cancel()
	w.try(last)
	return nil
}

func (w *Writer) wait(ctx context.Context) bool {
	now := time.Now()
	timer := time.NewTimer(now.Truncate(w.cfg.Every).Add(w.cfg.Every).Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func (w *Writer) try(ctx context.Context) {
	err := w.Write(ctx)
	if err == nil {
		return
	}
	w.cfg.Log.Warn("write mark", "error", err)
	if w.cfg.Hooks.Failed != nil {
		w.cfg.Hooks.Failed(err)
	}
}

// Write writes one mark now, if anything has changed since the last. Groups that
// cannot be read do not hold it up: the mark names them.
func (w *Writer) Write(ctx context.Context) error {
	look, cancel := context.WithTimeout(ctx, lookWithin)
	reading, err := w.read(look)
	cancel()
	if err != nil && ctx.Err() != nil {
		return err
	}
	standings := w.cfg.Owner.Tails()
	if len(standings) == 0 {
		w.last = nil // others may write of what was ours: the next mark is news
		return nil
	}
	if err != nil {
		reading = Reading{Unlisted: err}
	}
	m := w.compose(standings, reading)
	at := ceil(time.Now())
	if !at.After(w.at) {
		at = w.at.Add(time.Millisecond) // which of two of one instant is the newer, nobody could tell
	}
	written, err := w.keep(ctx, at, m)
	if err == nil && w.cfg.Hooks.Looked != nil {
		w.cfg.Hooks.Looked(at, len(m.Groups), unread(m), written)
	}
	return err
}

func (w *Writer) read(ctx context.Context) (Reading, error) {
	if w.cfg.Wanted == nil || w.cfg.Groups == nil {
		return Reading{}, nil
	}
	return w.cfg.Groups.Read(ctx, w.cfg.Wanted)
}

// ceil is the next whole millisecond: what was committed before now must not
// look as if it came later.
func ceil(t time.Time) time.Time {
	return t.UTC().Add(time.Millisecond - 1).Truncate(time.Millisecond)
}

func unread(m signed.Mark) (n int) {
	for _, g := range m.Groups {
		if g.Unread != "" {
			n++
		}
	}
	return n
}

// keep writes a mark unless it says what the last one said.
func (w *Writer) keep(ctx context.Context, at time.Time, m signed.Mark) (written bool, err error) {
	text, err := json.Marshal(unmoved(m))
	if err != nil {
		return false, fmt.Errorf("encode mark: %w", err)
	}
	if bytes.Equal(text, w.last) && at.Sub(w.at) < Heartbeat {
		return false, nil
	}
	w.last, w.at = nil, at
	if err := w.store(ctx, at, m); err != nil {
		return false, err
	}
	w.last = text
	return true, nil
}

// unmoved is the mark without the times at which it was read: that it was read
// again is no news.
func unmoved(m signed.Mark) signed.Mark {
	groups := make([]signed.MarkGroup, len(m.Groups))
	for i, g := range m.Groups {
		g.AsOf = nil
		groups[i] = g
	}
	m.Groups = groups
	return m
}

// store keeps a mark as one document, or as several of the same instant where it
// is too large for one.
func (w *Writer) store(ctx context.Context, at time.Time, m signed.Mark) error {
	_, err := w.cfg.Keeper.Keep(ctx, names.FolderMarks, at, m)
	large := (*signed.SizeError)(nil)
	if !errors.As(err, &large) {
		return err
	}
	if m.Series == "" {
		m.Series = rand.Text()
	}
	halves, ok := halve(m)
	if !ok {
		return err
	}
	return errors.Join(w.store(ctx, at, halves[0]), w.store(ctx, at, halves[1]))
}

var _ Owner = (*archive.Archiver)(nil)
