//go:build unix

package spool

import (
	"os"
	"syscall"
)

// unname takes the file's name away: it lives for as long as it is open. If it
// cannot be, Close removes it.
func unname(f *os.File) { _ = os.Remove(f.Name()) }

// load maps the file. All of it has been written, so no page of it can fail for
// want of room.
func load(f *os.File, size int64) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
}

func release(b []byte) error {
	if b == nil {
		return nil
	}
	return syscall.Munmap(b)
}
