package wire

import (
	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/fields"
)

// fieldSet is what reads the fields of a topic's values for filters, nil
// without a field. What is not JSON is not read there: schemas may be far away,
// and sealing must not wait.
func fieldSet(f config.Fields) segment.Fields {
	set, err := fields.NewSet(nil, f...)
	if err != nil {
		return nil // without a field; their number was checked by the configuration
	}
	return set
}
