package wire

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/rollup"
	"github.com/tidemark-io/tidemark/sinks/keys"
)

// Roller returns what rolls up, as the configuration says.
func (a *Archive) Roller(signer *signed.Signer, pages *keys.Writer) (*rollup.Roller, error) {
	c := a.Config
	schemas, err := a.Schemas(time.Time{})
	if err != nil {
		return nil, err
	}
	trees := FieldTrees(context.Background(), schemas)
	parts := rollup.Parts{
		Archive: a.Cover, ID: a.Trust.Archive(), Signer: signer, Secrets: pages, Copier: a.Healer(pages),
	}
	for _, r := range a.Regions {
		parts.Regions = append(parts.Regions, writable{r, pages})
	}
	return rollup.New(parts, rollup.Options{
		Window: c.RollUp.Window.Std(), After: c.RollUp.After.Std(), Retain: c.RollUp.Retain.Std(), Size: int64(c.RollUp.Size),
		Block: int(c.Segment.Block), Compression: compressions[c.Segment.Compression], Spool: a.spool(),
		Fields: func(topic string) segment.Fields { return fieldSet(c.FieldsOf(topic), trees) },
	})
}

// spool is where large objects wait on their way into a region.
func (a *Archive) spool() string { return filepath.Join(a.Config.StateDir, "spool") }

// Delete removes every version of an object, so that a bucket with versions
// gives its room back. It leaves no delete marker. What a lock holds stays, and
// is fs.ErrPermission.
func (w writable) Delete(ctx context.Context, name string) error {
	var all []object.Info
	for info, err := range w.Data.Versions(ctx, name) {
		if err != nil {
			return fmt.Errorf("list versions: %w", err)
		}
		all = append(all, info)
	}
	for _, info := range all {
		if err := w.Data.DeleteVersion(ctx, name, info.Version); err != nil {
			return err
		}
	}
	return nil
}
