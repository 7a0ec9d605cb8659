package ui

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// redraw is how often the line changes: often enough to live, seldom enough to
// read.
const redraw = 100 * time.Millisecond

// defaultWidth is assumed where the terminal does not say how wide it is.
const defaultWidth = 80

// clearLine goes to the line's beginning and clears it (ECMA-48).
const clearLine = "\r\x1b[K"

// Progress is one line on a terminal that says how far a verb is. It is safe
// for concurrent use. Without a terminal it is silent.
type Progress struct {
	w     io.Writer // nil: silent
	name  string
	width func() int
	now   func() time.Time

	mu    sync.Mutex
	drawn time.Time
	done  bool
}

// NewProgress shows progress on w if w is a terminal and quiet is false.
func NewProgress(w io.Writer, name string, quiet bool) *Progress {
	f, ok := w.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return &Progress{}
	}
	width := func() int {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
		return defaultWidth
	}
	return &Progress{w: w, name: name, width: width, now: time.Now}
}

// Update says how far the verb is. Most calls draw nothing, so it may be
// called for every record.
func (p *Progress) Update(format string, args ...any) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.done || now.Sub(p.drawn) < redraw {
		return
	}
	p.drawn = now
	line := Printable(p.name + ": " + fmt.Sprintf(format, args...))
	fmt.Fprint(p.w, clearLine+cut(line, p.width()-1))
}

// cut keeps a line from wrapping: what has wrapped cannot be cleared.
func cut(s string, n int) string {
	for n = max(n, 0); utf8.RuneCountInString(s) > n; {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// Done clears the line. Calls after the first do nothing.
func (p *Progress) Done() {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.done && !p.drawn.IsZero() {
		fmt.Fprint(p.w, clearLine)
	}
	p.done = true
}
