package state

import (
	"bytes"
	"cmp"
	"encoding/binary"

	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// version is what one record says of one row. Where it stands in its partition
// says which of two is the later one; across partitions its position does.
type version struct {
	partition int32 // in the key of a pair, not in its value
	offset    int64
	timestamp int64 // of the record, ms
	gone      bool  // there is no such row any more
	several   bool  // the row is in several partitions
	doubtful  bool  // what it took over may be out of date
	absent    bool  // some cells are as they were before
	at        position
	cells     []byte
	// lender is the oldest version of the partition that absent cells were
	// taken from, nil if none were.
	lender *lender
}

// lender is as much of a version as tells when it was.
type lender struct {
	timestamp int64
	at        position
}

// position is where a change stands in the database's own log, as far as the
// record tells.
type position struct {
	kind byte   // which log it is; positions of two kinds cannot be compared
	in   []byte // sorts as the log goes
	// nanos is the database's time, ns since the epoch, if timed.
	nanos int64
	timed bool
}

func (p position) known() bool { return p.kind != 0 || p.timed }

// Flags of an encoded version.
const (
	flagGone = 1 << iota
	flagAbsent
	flagTimed
	flagBorrowed
)

func (v *version) append(dst []byte) []byte {
	var flags byte
	if v.gone {
		flags |= flagGone
	}
	if v.absent {
		flags |= flagAbsent
	}
	if v.at.timed {
		flags |= flagTimed
	}
	if v.lender != nil {
		flags |= flagBorrowed
	}
	dst = append(dst, flags)
	dst = binary.AppendVarint(dst, v.offset)
	dst = appendMoment(dst, v.timestamp, v.at)
	if v.lender != nil {
		timed := byte(0)
		if v.lender.at.timed {
			timed = 1
		}
		dst = appendMoment(append(dst, timed), v.lender.timestamp, v.lender.at)
	}
	return append(dst, v.cells...)
}

// appendMoment writes a timestamp and a position; whether that is timed stands
// elsewhere.
func appendMoment(dst []byte, timestamp int64, at position) []byte {
	dst = binary.AppendVarint(dst, timestamp)
	dst = append(dst, at.kind)
	if at.timed {
		dst = binary.AppendVarint(dst, at.nanos)
	}
	if at.kind != 0 {
		dst = append(binary.AppendUvarint(dst, uint64(len(at.in))), at.in...)
	}
	return dst
}

// cutMoment reads what appendMoment wrote.
func cutMoment(b []byte, timed bool) (timestamp int64, at position, rest []byte) {
	timestamp, w := binary.Varint(b)
	at.kind, at.timed, b = b[w], timed, b[w+1:]
	if timed {
		at.nanos, w = binary.Varint(b)
		b = b[w:]
	}
	if at.kind != 0 {
		n, w := binary.Uvarint(b)
		at.in, b = b[w:w+int(n)], b[w+int(n):]
	}
	return timestamp, at, b
}

// decodeVersion reads what append wrote. It shares the bytes.
func decodeVersion(b []byte) version {
	flags := b[0]
	v := version{gone: flags&flagGone != 0, absent: flags&flagAbsent != 0}
	var w int
	v.offset, w = binary.Varint(b[1:])
	v.timestamp, v.at, b = cutMoment(b[1+w:], flags&flagTimed != 0)
	if flags&flagBorrowed != 0 {
		v.lender = &lender{}
		v.lender.timestamp, v.lender.at, b = cutMoment(b[1:], b[0] == 1)
	}
	v.cells = b
	return v
}

// fold joins two versions of a row of one partition: the newer one counts. A
// tombstone stands in the database's log where the delete before it does, if
// that is still there, and what the newer one leaves out is as it was.
func fold(dst, older, newer []byte) []byte {
	now := decodeVersion(newer)
	if !now.absent && (!now.gone || now.at.known()) {
		return append(dst, newer...)
	}
	before := decodeVersion(older)
	now.complete(before)
	return now.append(dst)
}

// complete takes over from the version before what this one does not say.
func (v *version) complete(before version) {
	if v.gone && before.gone && !v.at.known() {
		v.at = before.at
	}
	if v.absent && !before.gone {
		v.cells, v.absent = fill(v.cells, before.cells)
		if v.lender = before.lender; v.lender == nil {
			v.lender = &lender{before.timestamp, before.at}
		}
	}
}

// later compares versions of a row in two partitions: by the place in the
// database's log if both have one of the same log, then by its time if both
// have that, then by the record's timestamp, then by partition.
func later(a, b *version, sameLog, timed bool) int {
	if sameLog {
		if c := bytes.Compare(a.at.in, b.at.in); c != 0 {
			return c
		}
	}
	if timed {
		if c := cmp.Compare(a.at.nanos, b.at.nanos); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(a.timestamp, b.timestamp), cmp.Compare(a.partition, b.partition))
}

// common tells by what all of some versions can be compared. It is asked for
// all at once: comparing each two by what those two have could go in a circle.
func common(all ...version) (sameLog, timed bool) {
	sameLog, timed = all[0].at.kind != 0, all[0].at.timed
	for _, v := range all[1:] {
		sameLog = sameLog && v.at.kind == all[0].at.kind
		timed = timed && v.at.timed
	}
	return sameLog, timed
}

// fill puts cells of the version before where those of a row are absent. It is
// true if some still are.
func fill(cells, before []byte) ([]byte, bool) {
	var filled []byte
	missing := false
	for c := range decodeCells(cells) {
		if c.Kind != cell.Absent {
			filled = appendCell(filled, c.column, c.Kind, c.Null, c.Text)
			continue
		}
		old, ok := findCell(before, c.column)
		missing = missing || !ok || old.Kind == cell.Absent
		if ok {
			c = old
		}
		filled = appendCell(filled, c.column, c.Kind, c.Null, c.Text)
	}
	return filled, missing
}
