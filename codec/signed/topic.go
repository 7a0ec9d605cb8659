package signed

import (
	"maps"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// TopicConfig is the document of topics/<topic>/<lineage>/config/…: how a topic
// was set up from a moment on. A restore creates its target by it.
type TopicConfig struct {
	Archive names.ArchiveID `json:"archive"`
	Topic   string          `json:"topic"`
	Lineage names.Lineage   `json:"lineage"`
	// Partitions is how many there were, those without a record included.
	Partitions int32 `json:"partitions"`
	// Settings are those that differ from the cluster's defaults; nil where
	// they could not be read.
	Settings map[string]string `json:"settings,omitempty"`
	At       time.Time         `json:"at"`
}

// Same reports whether two documents describe the same set-up, whenever they
// were written.
func (c TopicConfig) Same(o TopicConfig) bool {
	return c.Topic == o.Topic && c.Lineage == o.Lineage && c.Partitions == o.Partitions && maps.Equal(c.Settings, o.Settings)
}
