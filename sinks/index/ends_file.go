package index

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/codec/names"
)

// A record is, big-endian,
//
//	u32   "TMEN"
//	u32   CRC-32C of the rest of the head
//	u32   CRC-32C of the end
//	u32   length of the end in bytes
//	i64   base offset
//	i64   offset after the last
//	8     digest, as in the name
//	i64   size of the whole object in bytes
//	...   the end
const (
	endHead  = 4 + 4 + 4 + 4 + 8 + 8 + 8 + 8
	endMagic = 0x544d454e
)

// endRecord is the head of a record, and where its end begins in the file.
type endRecord struct {
	base, next, size int64
	digest           names.Short
	sum              uint32
	length           uint32
	at               int64
}

func encodeEndHead(name names.Range, end []byte, size int64) []byte {
	be := binary.BigEndian
	b := make([]byte, 8, endHead)
	be.PutUint32(b, endMagic)
	b = be.AppendUint32(b, crc32.Checksum(end, castagnoli))
	b = be.AppendUint32(b, uint32(len(end)))
	b = be.AppendUint64(b, uint64(name.Base))
	b = be.AppendUint64(b, uint64(name.Next))
	b = append(b, name.Digest[:]...)
	b = be.AppendUint64(b, uint64(size))
	be.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
	return b
}

// decodeEnd reads the head of a record.
func decodeEnd(b []byte) (r endRecord, ok bool) {
	be := binary.BigEndian
	if be.Uint32(b) != endMagic || be.Uint32(b[4:]) != crc32.Checksum(b[8:endHead], castagnoli) {
		return r, false
	}
	r = endRecord{
		sum: be.Uint32(b[8:]), length: be.Uint32(b[12:]),
		base: int64(be.Uint64(b[16:])), next: int64(be.Uint64(b[24:])), size: int64(be.Uint64(b[40:])),
	}
	copy(r.digest[:], b[32:])
	return r, true
}

// walkEnds visits the heads of a file of size bytes, and returns the length up
// to which its records are whole.
func walkEnds(f io.ReaderAt, size int64, visit func(endRecord)) int64 {
	buf := make([]byte, walkRead)
	from, n := int64(0), 0 // of buf in the file
	at := int64(0)
	for {
		if at+endHead > from+int64(n) {
			from = at
			if n, _ = f.ReadAt(buf, from); n < endHead {
				return at
			}
		}
		r, ok := decodeEnd(buf[at-from:])
		next := at + endHead + int64(r.length)
		if !ok || next > size {
			return at
		}
		r.at = at + endHead
		visit(r)
		at = next
	}
}

// shelf is what the files of a partition hold.
type shelf struct{ places map[names.Range]place }

// place is where an end lies.
type place struct {
	endRecord
	file string
}

func readShelf(folder string, p names.Partition) *shelf {
	s := &shelf{places: map[names.Range]place{}}
	for _, path := range endsFiles(folder) {
		s.add(path, p)
	}
	return s
}

// add reads a file. One that is gone or unreadable holds nothing.
func (s *shelf) add(path string, p names.Partition) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return
	}
	walkEnds(f, info.Size(), func(r endRecord) {
		name := names.Range{Partition: p, Base: r.base, Next: r.next, Digest: r.digest, Kind: names.KindSegment}
		s.places[name] = place{r, path} // the last one counts
	})
}

func (p place) read() ([]byte, error) {
	f, err := os.Open(p.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	end := make([]byte, p.length)
	if _, err := f.ReadAt(end, p.at); err != nil {
		return nil, err
	}
	if crc32.Checksum(end, castagnoli) != p.sum {
		return nil, fmt.Errorf("%s at byte %d: %w", p.file, p.at, ErrDamaged)
	}
	return end, nil
}

const endsSuffix = ".ends"

// newestEnds is the number of the newest file of a folder, 0 if there is none.
func newestEnds(folder string) uint64 {
	files := endsFiles(folder)
	if len(files) == 0 {
		return 0
	}
	n, _ := fileNumber(filepath.Base(files[len(files)-1]))
	return n
}

// endsFiles are the files of a folder, the oldest first.
func endsFiles(folder string) []string {
	entries, _ := os.ReadDir(folder) // a folder that is not there has none
	var all []string
	for _, e := range entries {
		if _, ok := fileNumber(e.Name()); ok {
			all = append(all, filepath.Join(folder, e.Name()))
		}
	}
	slices.Sort(all)
	return all
}

func fileName(n uint64) string { return fmt.Sprintf("%012d%s", n, endsSuffix) }

func fileNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, endsSuffix)
	n, err := strconv.ParseUint(digits, 10, 63)
	return n, ok && err == nil && fileName(n) == name
}
