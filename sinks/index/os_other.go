//go:build !linux && !darwin && !freebsd

package index

import (
	"errors"
	"os"
)

// Where free space and locks cannot be had, there is no index: the archive
// does without. It is only a cache.

func freeSpace(string) (int64, error) { return 0, errors.ErrUnsupported }

func lock(*os.File) error { return errors.ErrUnsupported }

func noSpace(error) bool { return false }
