package registry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/pipeline/values"
)

// Live is a registry as the schemas of package values. Make it with NewLive. It
// is safe for concurrent use.
type Live struct {
	client *Client

	mu     sync.Mutex
	failed map[int]failure // guarded by mu
}

// failure is an id that the registry did not give, and until when it is not
// asked again. Keys that look framed by chance, such as numbers of eight bytes,
// would otherwise make a request each.
type failure struct {
	until time.Time
	err   error
}

const (
	// askAgain is how long an id that could not be had is not asked for again.
	askAgain = 10 * time.Second

	// maxFailed bounds how many such ids are remembered.
	maxFailed = 4096
)

// NewLive returns a registry as schemas. It asks it nothing yet.
func NewLive(c *Client) *Live { return &Live{client: c, failed: map[int]failure{}} }

// ByID implements values.Schemas.
func (l *Live) ByID(ctx context.Context, id int) (values.Schema, error) {
	l.mu.Lock()
	f, ok := l.failed[id]
	l.mu.Unlock()
	if ok && time.Now().Before(f.until) {
		return values.Schema{}, f.err
	}
	s, err := l.ask(ctx, id)
	if err != nil && ctx.Err() == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.failed) >= maxFailed {
			clear(l.failed)
		}
		l.failed[id] = failure{time.Now().Add(askAgain), err}
	}
	return s, err
}

func (l *Live) ask(ctx context.Context, id int) (values.Schema, error) {
	v, ok, err := l.client.byID(ctx, id)
	if err != nil {
		return values.Schema{}, fmt.Errorf("ask the schema registry: %w", err)
	}
	if !ok {
		return values.Schema{}, fmt.Errorf("the schema registry has no id %d: %w", id, values.ErrUnknownSchema)
	}
	known := map[place]*Version{{}: &v} // no subject has an empty name
	return schemaOf(place{}, func(p place) (*Version, error) {
		if known[p] != nil {
			return known[p], nil
		}
		v, err := l.client.version(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("ask the schema registry for %s: %w", p, err)
		}
		known[p] = &v
		return &v, nil
	})
}
