package recordbatch

// walk is a position among the decompressed records of a batch.
type walk struct {
	h    Header
	r    reader
	left int32 // records still to come, by the header's count
	last int32 // offset delta of the record before, -1 at the start
}

// key reads the key of the next record and goes behind that record.
func (w *walk) key() (RecordKey, error) {
	r := w.r.record()
	delta, key := readKey(&r)
	offset, err := w.step(&r, delta)
	if err != nil {
		return RecordKey{}, err
	}
	return RecordKey{Offset: offset, Key: key}, nil
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
