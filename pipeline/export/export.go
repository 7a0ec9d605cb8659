package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// Format is what is written.
type Format string

// The formats; the package comment describes them.
const (
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
	Parquet   Format = "parquet"
	Log       Format = "log"
)

// Formats are all formats, as a person names them.
func Formats() []Format { return []Format{JSONLines, CSV, Parquet, Log} }

// ParseFormat reads a format by its name.
func ParseFormat(text string) (Format, error) {
	if f := Format(strings.ToLower(text)); slices.Contains(Formats(), f) {
		return f, nil
	}
	return "", fmt.Errorf("format %q: want one of %v", text, Formats())
}

// Streams tells whether the format can be written to a stream.
func (f Format) Streams() bool { return f == JSONLines || f == CSV }

// Options say where a plan is exported to, and how. Dir or Writer is needed, and
// Format; all else has defaults.
type Options struct {
	// Dir is made if it is not there. It must be empty, or hold what an
	// interrupted export of the same request left.
	Dir string
	// Writer takes all records of all partitions, one partition after the other.
	Writer io.Writer
	Format Format
	// MaxRate bounds the bytes written per second; 0 is no bound.
	MaxRate int64
	// FileBytes is where a file ends and the next one begins; 0 is 1 GiB. A file
	// is larger by less than one batch, or one row group of Parquet.
	FileBytes int64
	// Parallel is how many partitions are written at once; 0 is as many as there
	// are processors, and no more than 8. A stream is written one by one.
	Parallel int
	// Progress is called after every batch, by one goroutine at a time. It must
	// be quick.
	Progress func(restore.Progress)
}

func (o Options) withDefaults() Options {
	if o.FileBytes <= 0 {
		o.FileBytes = defaultFileBytes
	}
	if o.Parallel <= 0 {
		o.Parallel = min(runtime.GOMAXPROCS(0), maxParallel)
	}
	if o.Progress == nil {
		o.Progress = func(restore.Progress) {}
	}
	return o
}

func (o Options) validate() error {
	switch {
	case !slices.Contains(Formats(), o.Format):
		return fmt.Errorf("export: format %q: want one of %v", o.Format, Formats())
	case (o.Dir == "") == (o.Writer == nil):
		return errors.New("export: want a directory or a stream to write to, and not both")
	case o.Writer != nil && !o.Format.Streams():
		return fmt.Errorf("export: %s cannot be written to a stream, only %s and %s: name a directory", o.Format, JSONLines, CSV)
	}
	return nil
}

// Run writes what the plan brings back. The records go out as the plan's request
// says it: its cut, its partitions, its target topics' names.
//
// After nil every file is synced and named in the manifest, and what the
// manifest says is in Result. After an error, a cancelled context among them,
// the same call with the same request resumes, where it writes to a directory;
// the plan may be a new one, for the export goes on with the plan that it began
// with.
//
// A plan with refusals is a [restore.RefusedError]; a directory in use or with
// anything else in it is an [InUseError]; a disk that is full is a [FullError].
func Run(ctx context.Context, plan *restore.Plan, src restore.Source, o Options) (Result, error) {
	if err := o.validate(); err != nil {
		return Result{}, err
	}
	if err := plan.Refused(); err != nil {
		return Result{}, err
	}
	o = o.withDefaults()
	if o.Writer != nil {
		return stream(ctx, plan, src, o)
	}
	f, err := openFolder(ctx, o.Dir, plan, o.Format)
	if err != nil {
		return Result{}, fmt.Errorf("export to %s: %w", o.Dir, err)
	}
	defer f.close()
	if f.complete != nil {
		return Result{Manifest: *f.complete, Kept: f.complete.files()}, nil
	}
	x := &execution{folder: f, source: src, options: o, limiter: newLimiter(o.MaxRate)}
	r, err := x.run(ctx)
	if err != nil {
		return r, fmt.Errorf("export to %s: %w", o.Dir, err)
	}
	return r, nil
}
