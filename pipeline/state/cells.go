package state

import (
	"encoding/binary"
	"iter"

	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// Cell is a value in a row.
type Cell struct {
	Kind cell.Kind
	Null bool
	// Text is what package cell says; bytes of a [cell.Bytes] as they are.
	Text []byte
}

// numbered is a cell and the number of its column.
type numbered struct {
	column int
	Cell
}

// nullBit marks a null in a cell's kind.
const nullBit = 0x80

// appendCell appends column, kind, and a text if it is not null.
func appendCell(dst []byte, column int, k cell.Kind, null bool, text []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(column))
	if null {
		return append(dst, byte(k)|nullBit)
	}
	dst = append(dst, byte(k))
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}

// decodeCells yields what appendCell wrote. The texts share its bytes.
func decodeCells(b []byte) iter.Seq[numbered] {
	return func(yield func(numbered) bool) {
		for len(b) > 0 {
			column, w := binary.Uvarint(b)
			kind := b[w]
			c := numbered{int(column), Cell{Kind: cell.Kind(kind &^ nullBit), Null: kind&nullBit != 0}}
			b = b[w+1:]
			if !c.Null {
				n, w := binary.Uvarint(b)
				c.Text, b = b[w:w+int(n)], b[w+int(n):]
			}
			if !yield(c) {
				return
			}
		}
	}
}

func findCell(cells []byte, column int) (numbered, bool) {
	found, ok := numbered{}, false
	for c := range decodeCells(cells) {
		if c.column == column {
			found, ok = c, true
		}
	}
	return found, ok
}
