//go:build !linux && !darwin && !freebsd

package export

import (
	"errors"
	"os"
	"syscall"
)

// lockDir opens the directory: there is no lock here that would end with the
// process.
func lockDir(dir string) (*os.File, error) { return os.Open(dir) }

func freeSpace(string) (int64, error) { return 0, errors.ErrUnsupported }

func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) }
