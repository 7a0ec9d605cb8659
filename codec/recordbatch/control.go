package recordbatch

import (
	"encoding/binary"
	"fmt"
)

// ControlType is what a control batch tells consumers. Kafka has more types
// than are named here; those are for the brokers' own topics.
type ControlType int16

const (
	// ControlNone is a control batch whose marker the log cleaner has taken
	// away; the batch only holds its offset.
	ControlNone ControlType = -1
	// ControlAbort ends a transaction that did not happen.
	ControlAbort ControlType = 0
	// ControlCommit ends a transaction that counts.
	ControlCommit ControlType = 1
)

// String gives a word for messages.
func (t ControlType) String() string {
	switch t {
	case ControlNone:
		return "none"
	case ControlAbort:
		return "abort"
	case ControlCommit:
		return "commit"
	}
	return fmt.Sprintf("control(%d)", int16(t))
}

// ParseControl tells what the first marker of a control batch says. The
// coordinator epoch is known for commit and abort, else -1. A batch without the
// control bit, or with a key or value too short, is a [FormatError].
func ParseControl(batch []byte) (t ControlType, coordinatorEpoch int32, err error) {
	h, err := whole(batch)
	if err != nil {
		return ControlNone, -1, err
	}
	if !h.IsControl() {
		return ControlNone, -1, batchError(h.BaseOffset, "not a control batch")
	}
	for rec, err := range NewDecoder(0).Records(batch) {
		if err != nil {
			return ControlNone, -1, err
		}
		return parseMarker(h, rec)
	}
	return ControlNone, -1, nil
}

// parseMarker reads key (version, type) and value (version, coordinator epoch).
// Later versions add fields at the end.
func parseMarker(h Header, rec Record) (ControlType, int32, error) {
	be := binary.BigEndian
	if len(rec.Key) < 4 {
		return ControlNone, -1, batchError(h.BaseOffset, "control record with a key of %d bytes", len(rec.Key))
	}
	t := ControlType(be.Uint16(rec.Key[2:]))
	if t != ControlAbort && t != ControlCommit {
		return t, -1, nil
	}
	if len(rec.Value) < 6 {
		return ControlNone, -1, batchError(h.BaseOffset, "%v marker with a value of %d bytes", t, len(rec.Value))
	}
	return t, int32(be.Uint32(rec.Value[2:])), nil
}
