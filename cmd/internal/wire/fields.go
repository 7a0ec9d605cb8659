package wire

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/fields"
	"github.com/tidemark-io/tidemark/pipeline/registry"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// fieldSet is what reads the fields of a topic's values for filters, nil
// without a field.
func fieldSet(f config.Fields, trees fields.Trees) segment.Fields {
	set, err := fields.NewSet(trees, f...)
	if err != nil {
		return nil // without a field; their number was checked by the configuration
	}
	return set
}

// FieldTrees reads Avro for fields, with schemas from wherever. JSON needs none,
// and everything else has no fields.
func FieldTrees(ctx context.Context, schemas values.Schemas) fields.Trees {
	d := &values.Decoder{Schemas: schemas}
	return func(value []byte) (any, bool) {
		v, err := d.Decode(ctx, value)
		return v.Tree, err == nil && v.Format == values.FormatAvro
	}
}

// askAgain is how long a schema that the registry did not give is left alone.
const askAgain = 15 * time.Second

// nearSchemas are those that sealing met before. Sealing does not wait for a
// registry: a schema that is not here yet is asked for beside it, and until it is
// here its values count as unread, which makes a search open their blocks.
type nearSchemas struct {
	from values.Schemas
	log  *slog.Logger

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	working sync.WaitGroup

	mu    sync.Mutex
	known map[int]values.Schema // guarded by mu
	asked map[int]time.Time     // guarded by mu
}

func newNearSchemas(from values.Schemas, log *slog.Logger) *nearSchemas {
	n := &nearSchemas{from: from, log: log, known: map[int]values.Schema{}, asked: map[int]time.Time{}}
	n.ctx, n.stop = context.WithCancel(context.Background())
	return n
}

// Close ends what is being asked.
func (n *nearSchemas) Close() {
	n.stop()
	n.working.Wait()
}

// maxNear bounds the schemas that are remembered, and asked for: records come
// from anybody who may produce, and so do ids.
const maxNear = 4096

// ByID implements values.Schemas, at once.
func (n *nearSchemas) ByID(_ context.Context, id int) (values.Schema, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s, ok := n.known[id]; ok {
		return s, nil
	}
	if at, ok := n.asked[id]; n.ctx.Err() == nil && (ok && time.Since(at) > askAgain || !ok && len(n.asked) < maxNear) {
		n.asked[id] = time.Now()
		n.working.Go(func() { n.ask(id) })
	}
	return values.Schema{}, fmt.Errorf("schema id %d is not here yet: %w", id, values.ErrUnknownSchema)
}

func (n *nearSchemas) ask(id int) {
	s, err := n.from.ByID(n.ctx, id)
	if err != nil {
		n.log.Warn("fields: ask for a schema", "id", id, "error", err)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[id] = s
}

// sealingFields reads fields while archiving: Avro too, where a registry is
// configured. The second result, which may be nil, is to be closed.
func (a *Archive) sealingFields() (fields.Trees, *nearSchemas, error) {
	if !slices.ContainsFunc(a.Config.Topics, func(t config.Topic) bool { return len(t.Fields) > 0 }) {
		return nil, nil, nil
	}
	client, err := RegistryClient(&a.Config.SchemaRegistry)
	if client == nil || err != nil {
		return nil, nil, err
	}
	near := newNearSchemas(registry.NewLive(client), a.Log)
	return FieldTrees(near.ctx, near), near, nil
}
