package landed

import (
	"context"
	"iter"

	"github.com/tidemark-io/tidemark/codec/object"
)

// Lister lists the objects of one region.
type Lister interface {
	// List yields the objects whose names begin with prefix and sort after
	// after, in the order of their names, all pages. An error ends it.
	List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error]
}

// Region is one region by name, which is the name package cover has for it too.
type Region struct {
	Name    string
	Objects Lister
}
