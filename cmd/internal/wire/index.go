package wire

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/reindex"
	"github.com/tidemark-io/tidemark/sinks/index"
)

// catalogue is the local index as an archiver uses it: it notes what is
// stored, and compares each partition with the regions once it begins.
type catalogue struct {
	index *index.Index
	ends  *index.Ends // nil without
	cover *cover.Archive
	log   *slog.Logger

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	begun   chan names.Partition
	working sync.WaitGroup
}

// begunAhead bounds the partitions that wait to be compared. One that finds no
// room is compared the next time it begins.
const begunAhead = 16 << 10

// openIndex opens the local catalogue. Without one archiving goes on, so its
// troubles are only logged, and it is nil.
func (a *Archive) openIndex() *catalogue {
	x, err := index.Open(filepath.Join(a.Config.StateDir, "index"), a.Trust.Archive(), index.Options{Logger: a.Log, MaxSize: catalogueSize(a.Config)})
	if err != nil {
		a.Log.Error("archiving without a local index", "error", err)
		return nil
	}
	c := &catalogue{index: x, ends: a.Ends(), cover: a.Cover, log: a.Log, begun: make(chan names.Partition, begunAhead)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.working.Go(c.catchUp)
	return c
}

// Close ends the comparison and closes the index.
func (c *catalogue) Close() error {
	c.stop()
	c.working.Wait()
	return c.index.Close()
}

// Begin implements archive.Index.
func (c *catalogue) Begin(p names.Partition) {
	select {
	case c.begun <- p:
	default:
		c.log.Warn("index: too many partitions at once to compare them all", "partition", p.String())
	}
}

// catchUp compares one partition after the other: the stores have better
// things to do while an archiver starts.
func (c *catalogue) catchUp() {
	for {
		select {
		case p := <-c.begun:
			r, err := reindex.Partition(c.ctx, c.cover, c, p)
			if errors.Is(err, index.ErrFull) {
				c.log.Info("index: no room for all that the regions hold", "partition", p.String(), "added", r.Added)
				continue
			}
			if err != nil && c.ctx.Err() == nil {
				c.log.Warn("index: compare with the regions", "partition", p.String(), "error", err)
			}
			if r.Added+r.Deleted > 0 {
				c.log.Info("index caught up", "partition", p.String(), "added", r.Added, "deleted", r.Deleted)
			}
		case <-c.ctx.Done():
			return
		}
	}
}

// Stored implements archive.Index.
func (c *catalogue) Stored(s *segment.Sealed, regions []string) error {
	keepEnd(c.ends, s)
	e := index.Entry{
		Range: s.Name, Digest: s.Digest, Prev: s.Footer.Prev, Records: int64(s.Records),
		MinTimestamp: s.Footer.MinTimestamp(), MaxTimestamp: s.Footer.MaxTimestamp(),
	}
	for _, r := range regions {
		e.Copies = append(e.Copies, index.Copy{Region: r, Size: int64(len(s.Data)), CRC32C: s.CRC32C, HasPage: true})
	}
	if err := c.put(e); err != nil {
		return err
	}
	for _, r := range regions {
		if err := c.SetTail(c.ctx, s.Name.Partition, r, s.Name.Next); err != nil {
			return err
		}
	}
	return nil
}

// put notes what was stored just now. Where there is no room, what was noted
// before makes it: the catalogue goes on from here.
func (c *catalogue) put(e index.Entry) error {
	err := c.index.Put(c.ctx, e)
	if !errors.Is(err, index.ErrFull) {
		return err
	}
	c.log.Info("the index begins anew", "reason", err)
	if err := c.index.Clear(c.ctx); err != nil {
		return err
	}
	return c.index.Put(c.ctx, e)
}

// SetTail implements reindex.Index. A tail only moves on: what fills an older
// hole is not where the region ends.
func (c *catalogue) SetTail(ctx context.Context, p names.Partition, region string, next int64) error {
	if old, err := c.index.Tail(ctx, p, region); err == nil && old >= next {
		return nil
	}
	return c.index.SetTail(ctx, p, region, next)
}

// Known implements reindex.Index.
func (c *catalogue) Known(ctx context.Context, p names.Partition) (map[names.Range][]string, error) {
	known := map[names.Range][]string{}
	for e, err := range c.index.Range(ctx, p, 0) {
		if err != nil {
			return nil, err
		}
		regions := []string{}
		for _, copied := range e.Copies {
			regions = append(regions, copied.Region)
		}
		known[e.Range] = regions
	}
	return known, nil
}

// Put implements reindex.Index.
func (c *catalogue) Put(ctx context.Context, copies []*cover.Object) error {
	var entries []index.Entry
	for _, o := range copies {
		if o.Segment == nil {
			return errors.New("only segments are catalogued")
		}
		f := o.Segment.Footer()
		entries = append(entries, index.Entry{
			Range: o.Name, Digest: o.Digest, Prev: o.Prev, Records: int64(f.Records),
			MinTimestamp: f.MinTimestamp(), MaxTimestamp: f.MaxTimestamp(),
			Copies: []index.Copy{{Region: o.Region, Size: o.Info.Size, CRC32C: o.Segment.CRC32C(), HasPage: true}},
		})
	}
	return c.index.Put(ctx, entries...)
}

// Delete implements reindex.Index.
func (c *catalogue) Delete(ctx context.Context, gone ...names.Range) error {
	return c.index.Delete(ctx, gone...)
}
