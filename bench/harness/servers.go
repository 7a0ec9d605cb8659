package harness

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

// Servers are what a point runs against: a Kafka cluster and two regions.
type Servers struct {
	// Config is a tidemark configuration, as YAML gives it, that says how to
	// reach them: kafka and regions. Each point's own is made from it, with
	// places of its own below each region's.
	Config map[string]any
	// Client is how a Kafka client reaches the cluster.
	Client []kgo.Opt
	// Open opens the archive that a configuration file describes.
	Open func(ctx context.Context, file string) (*Archive, error)
	// Processes are those that can be accounted for: none of another machine's.
	Processes []Watched
	// Kafka and Stores say what they are, with versions.
	Kafka, Stores string
	// Disk is a directory on the file system that all of them write to, or empty
	// where that is not known.
	Disk string
	// Embedded servers are for a quick look: no figure of theirs is one of a
	// real broker or store.
	Embedded bool
}

// Archive is an archive, opened to be looked at.
type Archive struct {
	Regions []Region
	// Cover reads it.
	Cover *cover.Archive
	// Close gives up what is open.
	Close func() error
}

// Region is one of its regions: the place of the data, and that of the keys.
type Region struct {
	Name       string
	Data, Keys objects.Store
}
