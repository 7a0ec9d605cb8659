package index

import (
	"fmt"
	"log/slog"
	"strings"
)

// logger gives Badger's lines to slog, each one step lower than Badger means
// it: what is news to a database is a detail to an archive.
type logger struct{ to *slog.Logger }

func (l logger) Errorf(format string, args ...any)   { l.to.Warn(line(format, args)) }
func (l logger) Warningf(format string, args ...any) { l.to.Info(line(format, args)) }
func (l logger) Infof(format string, args ...any)    { l.to.Debug(line(format, args)) }
func (l logger) Debugf(string, ...any)               {}

func line(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
