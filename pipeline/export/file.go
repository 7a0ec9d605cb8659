package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/time/rate"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/durable"
)

// sink is an *os.File as far as it is written to.
type sink interface {
	io.WriteCloser
	Sync() error
}

func createFile(name string) (sink, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
}

// output is what encoders write to: it counts, hashes and keeps to the rate.
type output struct {
	ctx     context.Context
	w       io.Writer
	limiter *rate.Limiter // nil: no bound
	sum     hash.Hash     // nil: not wanted
	size    int64
}

func (o *output) Write(p []byte) (int, error) {
	if err := o.pace(len(p)); err != nil {
		return 0, err
	}
	n, err := o.w.Write(p)
	if o.sum != nil {
		o.sum.Write(p[:n])
	}
	o.size += int64(n)
	return n, err
}

// pace waits until the rate lets so many bytes through.
func (o *output) pace(size int) error {
	if o.limiter == nil {
		return o.ctx.Err()
	}
	for size > 0 {
		n := min(size, o.limiter.Burst())
		if err := o.limiter.WaitN(o.ctx, n); err != nil {
			return err
		}
		size -= n
	}
	return nil
}

// newLimiter returns nil where there is no bound.
func newLimiter(perSecond int64) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), int(min(perSecond, rateBurst)))
}

// unfinished is a file that is being written, under another name.
type unfinished struct {
	output
	f    sink
	path string // that it will have
}

// begin makes a file below the folder, and the directory that it is in.
func (f *folder) begin(ctx context.Context, name string, limiter *rate.Limiter) (*unfinished, error) {
	path := f.path(name)
	if err := os.Mkdir(filepath.Dir(path), folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	file, err := f.create(path + partSuffix)
	if err != nil {
		return nil, err
	}
	return &unfinished{output: output{ctx: ctx, w: file, limiter: limiter, sum: sha256.New()}, f: file, path: path}, nil
}

// finish gives the file its name. After nil it would survive a power cut.
func (u *unfinished) finish() error {
	if err := errors.Join(u.f.Sync(), u.f.Close()); err != nil {
		return err
	}
	if err := os.Rename(u.path+partSuffix, u.path); err != nil {
		return err
	}
	if err := durable.SyncDir(filepath.Dir(u.path)); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(filepath.Dir(u.path)))
}

// drop removes what was written.
func (u *unfinished) drop() { _ = errors.Join(u.f.Close(), os.Remove(u.path+partSuffix)) }

// check compares a finished file with what is noted of it.
func (f *folder) check(ctx context.Context, file File) error {
	if !filepath.IsLocal(filepath.FromSlash(file.Name)) {
		return fmt.Errorf("%s is outside the directory", file.Name)
	}
	in, err := os.Open(f.path(file.Name))
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	size, err := io.Copy(&output{ctx: ctx, w: sum}, in)
	if err != nil {
		return err
	}
	if size != file.Bytes || names.Digest(sum.Sum(nil)) != file.SHA256 {
		return fmt.Errorf("%s is not what was written (%d bytes, want %d)", file.Name, size, file.Bytes)
	}
	return nil
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
