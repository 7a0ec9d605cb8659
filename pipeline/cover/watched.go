package cover

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
)

// watched tells the health of a region of everything that is asked there.
type watched struct {
	Objects
	health *health
}

// Get implements Objects.
func (w watched) Get(ctx context.Context, key string) ([]byte, error) {
	end, begun := w.health.begin(ctx), time.Now()
	body, err := w.Objects.Get(ctx, key)
	if err != nil {
		end(err)
		return nil, err
	}
	w.health.ended(end, int64(len(body)), begun)
	return body, nil
}

// ReadAt implements Objects.
func (w watched) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	end, begun := w.health.begin(ctx), time.Now()
	n, err := w.Objects.ReadAt(ctx, key, p, off)
	if err != nil {
		end(err)
		return n, err
	}
	w.health.ended(end, int64(len(p)), begun)
	return n, nil
}

// Stat implements Objects.
func (w watched) Stat(ctx context.Context, key string) (object.Info, error) {
	end := w.health.begin(ctx)
	info, err := w.Objects.Stat(ctx, key)
	end(err)
	return info, err
}

// List implements Objects.
func (w watched) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		end := w.health.begin(ctx)
		var failed error
		defer func() { end(failed) }()
		for info, err := range w.Objects.List(ctx, prefix, after) {
			failed = err
			if !yield(info, err) {
				return
			}
		}
	}
}

// watchedSecrets is watched for key pages and the KMS.
type watchedSecrets struct {
	Secrets
	health *health
}

// Secret implements Secrets.
func (w watchedSecrets) Secret(ctx context.Context, page names.PageID, slot uint16) (block.Secret, error) {
	end, begun := w.health.begin(ctx), time.Now()
	secret, err := w.Secrets.Secret(ctx, page, slot)
	if err != nil {
		end(err)
		return secret, err
	}
	w.health.ended(end, 0, begun)
	return secret, nil
}

// paced notes when a region last said anything.
type paced struct {
	Objects
	said *atomic.Int64 // Unix nanoseconds
}

func (p paced) note() { p.said.Store(time.Now().UnixNano()) }

// Get implements Objects.
func (p paced) Get(ctx context.Context, key string) ([]byte, error) {
	defer p.note()
	return p.Objects.Get(ctx, key)
}

// List implements Objects.
func (p paced) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		for info, err := range p.Objects.List(ctx, prefix, after) {
			p.note()
			if !yield(info, err) {
				return
			}
		}
	}
}
