package state

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// An identity says which row a record is about: the values of its key, in a
// form whose bytes sort as the values do, and of which none begins another. The
// names of the key's columns are not in it, so that a row stays itself when one
// of them is renamed.
//
// Each value begins with a tag:
const (
	tagNull    = 0x01
	tagFalse   = 0x02
	tagTrue    = 0x03
	tagInteger = 0x04 // 8 bytes, big-endian, sign flipped
	tagNumber  = 0x05 // its digits
	tagText    = 0x06
	tagBytes   = 0x07
	tagJSON    = 0x08
)

// appendIdentity appends one value of a key.
func appendIdentity(dst []byte, v gjson.Result) []byte {
	switch v.Type {
	case gjson.Null:
		return append(dst, tagNull)
	case gjson.False:
		return append(dst, tagFalse)
	case gjson.True:
		return append(dst, tagTrue)
	case gjson.String:
		return appendEscaped(dst, tagText, v.Str)
	case gjson.JSON:
		return appendEscaped(dst, tagJSON, v.Raw)
	}
	text, _ := cell.Infer(nil, v)
	digits := string(cell.TrimScale(text)) // 5 and 5.0 are one row
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return appendEscaped(dst, tagNumber, digits)
	}
	return binary.BigEndian.AppendUint64(append(dst, tagInteger), uint64(n)^1<<63)
}

// appendEscaped appends text so that its end sorts before anything that could
// follow: 00 becomes 00 FF, and 00 01 ends it.
func appendEscaped[T string | []byte](dst []byte, tag byte, text T) []byte {
	dst = append(dst, tag)
	for i := range len(text) {
		dst = append(dst, text[i])
		if text[i] == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 1)
}

// keyField is a column of a key.
type keyField struct {
	name  string
	value gjson.Result
}

// keyFields returns the fields of a key in the order of their names: that of
// the key's own fields may change.
func keyFields(dst []keyField, object gjson.Result) []keyField {
	dst = dst[:0]
	object.ForEach(func(name, value gjson.Result) bool {
		dst = append(dst, keyField{name.Str, value})
		return true
	})
	slices.SortFunc(dst, func(a, b keyField) int {
		switch {
		case a.name < b.name:
			return -1
		case a.name > b.name:
			return 1
		}
		return 0
	})
	return dst
}

// identityIn appends the identity that a row itself has: the values of the
// named columns. It is false if one of them is missing, or null, which no column
// of a primary key is.
func identityIn(dst []byte, row gjson.Result, names []string) ([]byte, bool) {
	var few [8]gjson.Result
	found := few[:0]
	if len(names) > len(few) {
		found = make([]gjson.Result, 0, len(names))
	}
	found = found[:len(names)]
	n := 0
	row.ForEach(func(name, value gjson.Result) bool {
		if i := slices.Index(names, name.Str); i >= 0 {
			if !found[i].Exists() {
				n++
			}
			found[i] = value
		}
		return n < len(names) // a key's columns mostly come first
	})
	if n < len(names) {
		return dst, false
	}
	for _, v := range found {
		if v.Type == gjson.Null {
			return dst, false
		}
		dst = appendIdentity(dst, v)
	}
	return dst, true
}
