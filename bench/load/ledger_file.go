package load

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// ledgerMagic begins the file of a ledger. Behind it are the facts as JSON with
// their length in front, for each partition the number of batches and of marks
// and these themselves, and a CRC-32C of it all; numbers are little-endian.
const ledgerMagic = "tidemark ledger 1\n"

// maxFacts bounds what is believed of a file, in bytes.
const maxFacts = 64 << 20

var errLedger = errors.New("not a whole ledger")

// Save writes the ledger to a file, which is replaced only by a whole one.
func (l *Ledger) Save(name string) (err error) {
	f, err := os.Create(name + ".new")
	if err != nil {
		return fmt.Errorf("save ledger: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("save ledger: %w", err), os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(l.write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func (l *Ledger) write(f io.Writer) error {
	facts, err := json.Marshal(l.Facts)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	buffer := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<20)
	buffer.WriteString(ledgerMagic)
	buffer.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(facts))))
	buffer.Write(facts)
	var b []byte
	for p := range l.parts {
		b = l.parts[p].append(b[:0], l.Batches(int32(p)))
		buffer.Write(b)
	}
	if err := buffer.Flush(); err != nil { // it keeps the first error of all
		return err
	}
	_, err = f.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

func (p *part) append(b []byte, batches []Batch) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(batches))), uint32(len(p.marks)))
	for _, x := range batches {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint64(b, uint64(x.Base)), x.CRC), x.count)
	}
	for _, m := range p.marks {
		b = le.AppendUint64(le.AppendUint64(b, uint64(m.offset)), uint64(m.at))
	}
	return b
}

// LoadLedger reads a file that Save wrote.
func LoadLedger(name string) (*Ledger, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("load ledger: %w", err)
	}
	l, err := parseLedger(data)
	if err != nil {
		return nil, fmt.Errorf("load ledger %s: %w", name, err)
	}
	return l, nil
}

func parseLedger(data []byte) (*Ledger, error) {
	body, ok := bytes.CutPrefix(data, []byte(ledgerMagic))
	if !ok || len(body) < 8 {
		return nil, errLedger
	}
	end := len(data) - 4
	if binary.LittleEndian.Uint32(data[end:]) != crc32.Checksum(data[:end], castagnoli) {
		return nil, errLedger
	}
	r := bytes.NewReader(body[:len(body)-4])
	var size uint32
	if err := binary.Read(r, binary.LittleEndian, &size); err != nil || size > maxFacts {
		return nil, errLedger
	}
	facts := make([]byte, size)
	if _, err := io.ReadFull(r, facts); err != nil {
		return nil, errLedger
	}
	l := &Ledger{}
	if err := json.Unmarshal(facts, &l.Facts); err != nil {
		return nil, fmt.Errorf("%w: %w", errLedger, err)
	}
	l.parts = make([]part, l.Workload.Partitions)
	for p := range l.parts {
		if err := l.parts[p].read(r); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (p *part) read(r *bytes.Reader) error {
	le := binary.LittleEndian
	var b [16]byte
	if _, err := io.ReadFull(r, b[:8]); err != nil {
		return errLedger
	}
	batches, marks := int(le.Uint32(b[:])), int(le.Uint32(b[4:]))
	if (batches+marks)*len(b) > r.Len() {
		return errLedger
	}
	p.batches, p.marks, p.sorted = make([]Batch, batches), make([]mark, marks), true
	for i := range p.batches {
		io.ReadFull(r, b[:])
		p.batches[i] = Batch{Base: int64(le.Uint64(b[:])), CRC: le.Uint32(b[8:]), count: le.Uint32(b[12:])}
	}
	for i := range p.marks {
		io.ReadFull(r, b[:])
		p.marks[i] = mark{offset: int64(le.Uint64(b[:])), at: int64(le.Uint64(b[8:]))}
	}
	return nil
}
