// Package spool holds one large object on its way into a region: a file that
// has no name any more, shown to the store as bytes.
//
// A PUT wants the length and the CRC-32C before the first byte, and the same
// bytes again for the other region and for a retry. A file gives both without
// holding gigabytes in memory: [File.Bytes] maps it, and what of it is in memory
// is the system's page cache.
package spool

import (
	"bufio"
	"fmt"
	"os"
)

// buffer is how much is collected for one write, in bytes.
const buffer = 1 << 20

// File is written once, then read. It is not safe for concurrent use until
// Bytes has returned.
type File struct {
	f    *os.File
	w    *bufio.Writer
	size int64
	data []byte
}

// New makes a file in a directory, which is made if it is not there. Where the
// system allows it the file has no name, so that nothing is left behind by a
// process that dies.
func New(dir string) (*File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	f, err := os.CreateTemp(dir, "spool-*")
	if err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	unname(f)
	return &File{f: f, w: bufio.NewWriterSize(f, buffer)}, nil
}

// Write implements io.Writer.
func (s *File) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.size += int64(n)
	return n, err
}

// Size is how many bytes were written.
func (s *File) Size() int64 { return s.size }

// Bytes ends writing and returns all bytes. They are valid until Close and must
// not be changed.
func (s *File) Bytes() ([]byte, error) {
	if s.data != nil || s.size == 0 {
		return s.data, nil
	}
	if err := s.w.Flush(); err != nil {
		return nil, fmt.Errorf("write spool: %w", err)
	}
	var err error
	if s.data, err = load(s.f, s.size); err != nil {
		return nil, fmt.Errorf("map spool: %w", err)
	}
	return s.data, nil
}

// Close gives back memory and disk. Nobody may read the bytes any more: what does
// all the same dies of it. A store is done with them when its Put has returned.
func (s *File) Close() error {
	err := release(s.data)
	s.data = nil
	if e := s.f.Close(); err == nil {
		err = e
	}
	_ = os.Remove(s.f.Name()) // gone already where the file has no name
	return err
}
