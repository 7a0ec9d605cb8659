package wire

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"unicode"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// NewLogger returns the process's log. What comes from outside, a topic's name
// or an error that repeats a record, can neither begin a line of its own nor
// steer the terminal of whoever reads the log.
func NewLogger(w io.Writer, t config.Telemetry) *slog.Logger {
	o := &slog.HandlerOptions{Level: logLevels[t.LogLevel]}
	w = escaper{w}
	if t.LogFormat == config.LogText {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

var logLevels = map[config.LogLevel]slog.Level{
	config.LevelDebug: slog.LevelDebug,
	config.LevelInfo:  slog.LevelInfo,
	config.LevelWarn:  slog.LevelWarn,
	config.LevelError: slog.LevelError,
}

// escaper writes what cannot be printed as \uXXXX. Both handlers of slog escape
// the ASCII controls themselves; but the JSON one lets the C1 controls, of
// which U+009B begins a terminal command, and the marks that turn the direction
// of the text through. They stand within strings only, so the line stays JSON.
type escaper struct{ w io.Writer }

func (e escaper) Write(line []byte) (int, error) {
	out := line
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r >= 0x7f && !unicode.IsPrint(r) {
			out = escapeFrom(line, i)
			break
		}
		i += n
	}
	if _, err := e.w.Write(out); err != nil {
		return 0, err
	}
	return len(line), nil
}

// escapeFrom copies a line and escapes it from i on.
func escapeFrom(line []byte, i int) []byte {
	out := append(make([]byte, 0, len(line)+16), line[:i]...)
	for i < len(line) {
		r, n := utf8.DecodeRune(line[i:])
		switch {
		case r < 0x7f || unicode.IsPrint(r):
			out = append(out, line[i:i+n]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// kafkaLog lets franz-go write to the log. Its information is of use to whoever
// looks into a connection only, so it counts as debugging here.
type kafkaLog struct{ log *slog.Logger }

// Level implements kgo.Logger.
func (l kafkaLog) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelDebug
	}
	return kgo.LogLevelWarn
}

// Log implements kgo.Logger.
func (l kafkaLog) Log(level kgo.LogLevel, message string, keyvals ...any) {
	to := slog.LevelDebug
	switch level {
	case kgo.LogLevelError:
		to = slog.LevelError
	case kgo.LogLevelWarn:
		to = slog.LevelWarn
	}
	l.log.With("component", "kafka").Log(context.Background(), to, message, keyvals...)
}
