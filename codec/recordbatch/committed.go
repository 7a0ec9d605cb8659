package recordbatch

import "encoding/binary"

// SetCommitted takes the transactional bit off a stored batch, in place, and
// computes its CRC anew: it is for a log that lacks the marker with which the
// transaction was committed, where readers would wait for that marker. The
// offsets, the producer and the records stay as they are.
//
// It returns false, with the batch unchanged, for a control batch and for
// anything that is not one whole batch. The old CRC is not checked: give it only
// what [Next] or a signature vouches for.
func SetCommitted(batch []byte) (ok bool) {
	h, err := whole(batch)
	if err != nil || h.IsControl() {
		return false
	}
	binary.BigEndian.PutUint16(batch[crcStart:], uint16(h.Attributes&^transactionalBit))
	binary.BigEndian.PutUint32(batch[17:], checksum(batch))
	return true
}
