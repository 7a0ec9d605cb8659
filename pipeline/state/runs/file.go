package runs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// blockSize is how many bytes are sealed at once. A block is what a merge holds
// of a run.
const blockSize = 64 << 10

// pattern names the files of runs.
const pattern = "run-*"

// Files are the runs of one process.
type Files struct {
	dir  string
	seal cipher.AEAD
	next atomic.Uint64 // number of a run, which its blocks are bound to
}

// Open prepares a directory for runs. It is made if it is not there, and rid of
// what a process that died has left; files of one that lives have no names.
func Open(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for temporary files: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return nil, fmt.Errorf("look for temporary files: %w", err)
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("remove a temporary file of a process that died: %w", err)
		}
	}
	var key [32]byte
	rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("make a key for temporary files: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make a key for temporary files: %w", err)
	}
	return &Files{dir: dir, seal: seal}, nil
}

// run is one sorted file.
type run struct {
	files  *Files
	f      *os.File
	named  bool // the file still has its name
	number uint64
	size   int64
	blocks []int64 // where each block ends

	plain, sealed []byte
}

func (f *Files) newRun() (*run, error) {
	file, err := os.CreateTemp(f.dir, pattern) // mode 0600
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	named := os.Remove(file.Name()) != nil
	return &run{files: f, f: file, named: named, number: f.next.Add(1)}, nil
}

// put appends a pair to a run; keys come in order.
func put[K string | []byte](r *run, key K, value []byte) error {
	r.plain = binary.AppendUvarint(r.plain, uint64(len(key)))
	r.plain = append(r.plain, key...)
	r.plain = binary.AppendUvarint(r.plain, uint64(len(value)))
	r.plain = append(r.plain, value...)
	if len(r.plain) < blockSize {
		return nil
	}
	return r.flush()
}

// flush seals a block and writes it.
func (r *run) flush() error {
	if len(r.plain) == 0 {
		return nil
	}
	r.sealed = r.files.seal.Seal(r.sealed[:0], nil, r.plain, r.identity(len(r.blocks)))
	if _, err := r.f.Write(r.sealed); err != nil {
		return fmt.Errorf("write a temporary file below %s: %w (give it more --memory, or put state_dir on a larger disk)", r.files.dir, err)
	}
	r.size += int64(len(r.sealed))
	r.blocks, r.plain = append(r.blocks, r.size), r.plain[:0]
	return nil
}

// identity binds a block to its place.
func (r *run) identity(block int) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, r.number), uint64(block))
}

func (r *run) finish() error {
	err := r.flush()
	r.plain, r.sealed = nil, nil
	return err
}

func (r *run) close() {
	_ = r.f.Close() // nothing in it is needed any more
	if r.named {
		_ = os.Remove(r.f.Name()) // the next Open does it
	}
}

// cursor reads a run from its beginning. Several may read the same run.
type cursor struct {
	run    *run
	next   int // block
	sealed []byte
	plain  []byte
	rest   []byte
}

// read returns the next pair, false at the end. Both are valid until the block
// after theirs is read.
func (c *cursor) read() (key, value []byte, ok bool, err error) {
	if len(c.rest) == 0 {
		if c.next == len(c.run.blocks) {
			return nil, nil, false, nil
		}
		if err := c.load(); err != nil {
			return nil, nil, false, fmt.Errorf("read a temporary file below %s: %w", c.run.files.dir, err)
		}
	}
	key, value = c.part(), c.part()
	return key, value, true, nil
}

func (c *cursor) load() error {
	from := int64(0)
	if c.next > 0 {
		from = c.run.blocks[c.next-1]
	}
	n := int(c.run.blocks[c.next] - from)
	if cap(c.sealed) < n {
		c.sealed = make([]byte, n)
	}
	if _, err := c.run.f.ReadAt(c.sealed[:n], from); err != nil {
		return err
	}
	var err error
	c.plain, err = c.run.files.seal.Open(c.plain[:0], nil, c.sealed[:n], c.run.identity(c.next))
	c.rest = c.plain
	c.next++
	return err
}

// part takes a length and as many bytes: a block that opened is as it was
// written.
func (c *cursor) part() []byte {
	n, w := binary.Uvarint(c.rest)
	p := c.rest[w : w+int(n)]
	c.rest = c.rest[w+int(n):]
	return p
}
