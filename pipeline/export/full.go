package export

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// FullError reports a disk without room. Files that were finished stay; the
// same call resumes when there is room.
type FullError struct {
	Dir string
	// Free is what is free now, in bytes; what was being written is removed.
	Free int64
	// Missing is how much more has to be free, in bytes, 0 if that cannot be
	// told: an upper bound, by the size of what was written so far and the
	// records that the plan brings at most.
	Missing int64
	Err     error
}

func (e *FullError) Error() string {
	text := fmt.Sprintf("the disk is full: %s are free", humanize.IBytes(uint64(e.Free)))
	if e.Missing > 0 {
		text += fmt.Sprintf(", about %s more are needed at most", humanize.IBytes(uint64(e.Missing)))
	}
	return text + ": make room and run the same again to go on: " + e.Err.Error()
}

func (e *FullError) Unwrap() error { return e.Err }

// explain turns the error of a full disk into one that says how much is missing.
func (x *execution) explain(err error) error {
	if !noSpace(err) {
		return err
	}
	free, failed := freeSpace(x.folder.dir)
	if failed != nil {
		return err
	}
	return &FullError{Dir: x.folder.dir, Free: free, Missing: max(0, x.needed()-free), Err: err}
}

// needed estimates the bytes that are still to be written: what this run wrote
// of a record on average, for all that it has not finished.
func (x *execution) needed() int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	var kept, written int64
	for _, files := range x.folder.finished {
		for _, f := range files {
			kept += f.Records
		}
	}
	if written = x.progress.Records - kept; written <= 0 {
		return 0
	}
	perRecord := float64(x.progress.Bytes) / float64(written)
	return int64(perRecord * float64(x.progress.MaxRecords-kept))
}
