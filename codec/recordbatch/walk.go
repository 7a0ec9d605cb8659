package recordbatch

import "math"

// walk is a position among the decompressed records of a batch.
type walk struct {
	h    Header
	r    reader
	left int32 // records still to come, by the header's count
	last int32 // offset delta of the record before, -1 at the start
}

// key reads the key of the next record and goes behind that record.
func (w *walk) key() (RecordKey, error) {
	if k, ok := w.quick(); ok {
		return k, nil
	}
	return w.careful()
}

// careful is key for any record.
func (w *walk) careful() (RecordKey, error) {
	r := w.r.record()
	delta, key := readKey(&r)
	offset, err := w.step(&r, delta)
	if err != nil {
		return RecordKey{}, err
	}
	return RecordKey{Offset: offset, Key: key}, nil
}

// pair reads key and value of the next record and goes behind that record.
func (w *walk) pair() (RecordPair, error) {
	r := w.r.record()
	delta, key := readKey(&r)
	value := r.bytes()
	offset, err := w.step(&r, delta)
	if err != nil {
		return RecordPair{}, err
	}
	return RecordPair{Offset: offset, Key: key, Value: value}, nil
}

// quick is key for a record that keeps every rule, in a fraction of the time. At
// the least doubt it is false and has not moved: careful then finds the rule
// that is broken, or none.
func (w *walk) quick() (RecordKey, bool) {
	b := w.r.b
	size, i := zigzag(b, 0)
	if i > len(b) || size <= 0 || size > len(b)-i {
		return RecordKey{}, false
	}
	rest := b[i+size:]
	b = b[i : i+size]
	for i = 1; i < len(b) && b[i] >= 0x80; i++ { // the timestamp, behind a byte of attributes
		if i > maxQuickTime {
			return RecordKey{}, false
		}
	}
	delta, i := zigzag(b, i+1)
	n, i := zigzag(b, i)
	if i > len(b) || n < -1 || n > len(b)-i || delta <= int(w.last) || delta > int(w.h.LastOffsetDelta) {
		return RecordKey{}, false
	}
	k := RecordKey{Offset: w.h.BaseOffset + int64(delta)}
	if n >= 0 {
		k.Key = b[i : i+n : i+n]
	}
	w.r.b, w.last = rest, int32(delta)
	w.left--
	return k, true
}

// maxQuickTime is how many bytes of a timestamp may say that another follows:
// 9 bytes hold 63 bits, and only the tenth can be too much.
const maxQuickTime = 8

// noPlace is behind every record.
const noPlace = math.MaxInt / 2

// zigzag reads a number of at most three bytes at place i, and tells where it
// ends; that is noPlace if it is longer or cut short.
func zigzag(b []byte, i int) (v, next int) {
	if i < len(b) && b[i] < 0x80 {
		return int(b[i]>>1) ^ -int(b[i]&1), i + 1
	}
	return zigzagLong(b, i)
}

func zigzagLong(b []byte, i int) (v, next int) {
	if i > len(b)-3 {
		return 0, noPlace
	}
	u, n := uint32(b[i]&0x7f)|uint32(b[i+1]&0x7f)<<7, 2
	if b[i+1] >= 0x80 {
		u, n = u|uint32(b[i+2])<<14, 3
		if b[i+2] >= 0x80 {
			return 0, noPlace
		}
	}
	return int(u>>1) ^ -int(u&1), i + n
}

// step judges the record that r was read from and gives its offset. Offsets
// rise within a batch, also where compaction left holes.
func (w *walk) step(r *reader, delta int32) (offset int64, err error) {
	switch {
	case w.r.rule != "":
		return 0, w.broken(w.r.rule)
	case r.rule != "":
		return 0, w.broken(r.rule)
	case delta < 0 || delta > w.h.LastOffsetDelta:
		return 0, w.broken(ruleOffsetRange)
	case delta <= w.last:
		return 0, w.broken(ruleOffsetOrder)
	}
	w.last = delta
	w.left--
	return w.h.BaseOffset + int64(delta), nil
}

// end judges what follows the last record.
func (w *walk) end() error {
	if len(w.r.b) > 0 {
		return batchError(w.h.BaseOffset, "%s", ruleBatchTrailer)
	}
	return nil
}

func (w *walk) broken(rule string) error {
	return &FormatError{Offset: w.h.BaseOffset, Record: int(w.h.Count - w.left), Rule: rule}
}
