package heal

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/spool"
)

// window is what one ranged read of a large object asks for, in bytes.
const window = 8 << 20

// large copies an object through a file. The blocks are compared with their
// SHA-256 in the file, so that what is stored is what was checked.
func (j *job) large(ctx context.Context, store Store, to string, o *cover.Object) error {
	file, err := spool.New(j.targets.Spool)
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := j.fetch(ctx, file, o)
	if err != nil {
		return &cover.CopyError{Region: o.Region, Object: o.Name.String(), Err: err}
	}
	fetched, err := j.archive.Within(ctx, o, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	if err := fetched.CheckBlocks(); err != nil {
		return err
	}
	return j.store(ctx, store, to, o, data)
}

// fetch reads a whole object by ranges.
func (j *job) fetch(ctx context.Context, file *spool.File, o *cover.Object) ([]byte, error) {
	objects, err := j.archive.Objects(o.Region)
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(window, o.Info.Size))
	for at := int64(0); at < o.Info.Size; at = file.Size() {
		n, err := objects.ReadAt(ctx, o.Name.String(), b[:min(window, o.Info.Size-at)], at)
		if err != nil && !(errors.Is(err, io.EOF) && at+int64(n) == o.Info.Size) {
			return nil, err
		}
		if _, err := file.Write(b[:n]); err != nil {
			return nil, err
		}
	}
	return file.Bytes()
}
