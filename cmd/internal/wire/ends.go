package wire

import (
	"path/filepath"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/find"
	"github.com/tidemark-io/tidemark/sinks/index"
)

// Ends opens the ends of segments on the local disk. An archiver writes them,
// and so does a search; they may run at the same time. Without them both go on,
// so trouble is only logged, and the result is nil.
func (a *Archive) Ends() *index.Ends {
	path := filepath.Join(a.Config.StateDir, "ends")
	x, err := index.OpenEnds(path, a.Trust.Archive(), index.EndsOptions{MaxSize: endsSize(a.Config), Logger: a.Log})
	if err != nil {
		a.Log.Warn("without the local index of key filters", "error", err)
		return nil
	}
	return x
}

// endsSize is the part of the index that the ends of segments may take. The
// rest is the catalogue's.
func endsSize(c *config.Config) int64 { return int64(c.Index.MaxSize) / 4 * 3 }

func catalogueSize(c *config.Config) int64 { return int64(c.Index.MaxSize) - endsSize(c) }

// keepEnd keeps the end of a segment that was just stored.
func keepEnd(x *index.Ends, s *segment.Sealed) {
	if x != nil {
		x.Keep(s.Name, s.Data[s.Footer.EndAt():], int64(len(s.Data)))
	}
}

var _ find.Index = (*index.Ends)(nil)
