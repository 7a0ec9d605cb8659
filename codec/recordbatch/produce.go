package recordbatch

import (
	"encoding/binary"
)

// SetProducer makes a stored batch ready for a raw idempotent produce request,
// in place: base offset 0, leader epoch -1, the given producer and first
// sequence, no transactional bit, a new CRC. The records stay as they are.
//
// It returns false, with the batch unchanged, if that would not be the same
// records or a broker would refuse it. The caller then decodes and builds the
// batch anew. So it is for
//
//   - a batch with holes or without records: brokers want the offsets of a produced batch to be dense;
//   - LogAppendTime: brokers refuse the bit, and without it the producer's own times would show;
//   - a delete horizon: without its bit the horizon in BaseTimestamp would pass for the time of the first record;
//   - a control batch, which no producer may send;
//   - anything that is not one whole batch.
//
// The old CRC is not checked: give it only what [Next] or a signature vouches for.
func SetProducer(batch []byte, producerID int64, epoch int16, seq int32) (ok bool) {
	h, err := whole(batch)
	if err != nil || !IsDense(h) || h.LogAppendTime() || h.HasDeleteHorizon() || h.IsControl() {
		return false
	}
	h.BaseOffset = 0
	h.PartitionLeaderEpoch = -1
	h.Attributes &^= transactionalBit
	h.ProducerID, h.ProducerEpoch, h.BaseSequence = producerID, epoch, seq
	h.put(batch)
	h.CRC = checksum(batch)
	binary.BigEndian.PutUint32(batch[17:], h.CRC)
	return true
}
