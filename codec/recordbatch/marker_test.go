package recordbatch

import "encoding/binary"

// marker is the end of a transaction in one partition, as the transaction
// coordinator writes it.
type marker struct {
	Type             ControlType // ControlAbort or ControlCommit
	Offset           int64
	Timestamp        int64 // ms
	LeaderEpoch      int32
	ProducerID       int64
	ProducerEpoch    int16
	CoordinatorEpoch int32
}

// batch gives the control batch of the marker, in memory of its own.
func (m marker) batch() ([]byte, error) {
	be := binary.BigEndian
	var b Builder
	b.Reset(Options{
		BaseOffset:    m.Offset,
		LeaderEpoch:   m.LeaderEpoch,
		Producer:      &Producer{ID: m.ProducerID, Epoch: m.ProducerEpoch, Sequence: -1},
		Transactional: true,
		Control:       true,
	})
	err := b.Append(Record{
		Offset:    m.Offset,
		Timestamp: m.Timestamp,
		Key:       be.AppendUint16([]byte{0, 0}, uint16(m.Type)),
		Value:     be.AppendUint32([]byte{0, 0}, uint32(m.CoordinatorEpoch)),
	})
	if err != nil {
		return nil, err
	}
	return b.Finish()
}
