package recordbatch

import (
	"errors"
	"testing"
)

func TestMarkersComeBack(t *testing.T) {
	for _, kind := range []ControlType{ControlAbort, ControlCommit} {
		m := marker{Type: kind, Offset: 77, Timestamp: 5, LeaderEpoch: 2, ProducerID: 9, ProducerEpoch: 1, CoordinatorEpoch: 13}
		batch, err := m.batch()
		if err != nil {
			t.Fatal(err)
		}
		h, _, _, err := Next(batch)
		if err != nil || !h.IsControl() || !h.IsTransactional() || h.ProducerID != 9 || h.ProducerEpoch != 1 || h.NextOffset() != 78 {
			t.Errorf("%v: %+v, %v", kind, h, err)
		}
		got, epoch, err := ParseControl(batch)
		if err != nil || got != kind || epoch != 13 {
			t.Errorf("%v: %v, epoch %d, %v", kind, got, epoch, err)
		}
	}
}

func TestOtherControlBatches(t *testing.T) {
	key := func(b ...byte) []Record { return []Record{{Key: b, Value: []byte{0, 0, 0}}} }
	for _, c := range []struct {
		name    string
		records []Record
		want    ControlType
		bad     bool
	}{
		{"leader change", key(0, 0, 0, 2), ControlType(2), false},
		{"short key", key(0, 0, 0), ControlNone, true},
		{"short value", key(0, 0, 0, 1), ControlNone, true},
	} {
		got, epoch, err := ParseControl(build(t, Options{Control: true}, c.records))
		if got != c.want || epoch != -1 || errors.Is(err, ErrCorrupt) != c.bad {
			t.Errorf("%s: %v, epoch %d, %v", c.name, got, epoch, err)
		}
	}
	data := build(t, Options{}, key(0, 0, 0, 2))
	if got, _, err := ParseControl(data); !errors.Is(err, ErrCorrupt) || got != ControlNone {
		t.Errorf("a data batch that looks like a marker: %v, %v", got, err)
	}
}

func TestMarkerTakenByTheCleaner(t *testing.T) {
	var b Builder
	b.Reset(Options{BaseOffset: 4, Control: true})
	b.EndAt(4)
	batch, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if got, epoch, err := ParseControl(batch); got != ControlNone || epoch != -1 || err != nil {
		t.Errorf("%v, epoch %d, %v", got, epoch, err)
	}
}
