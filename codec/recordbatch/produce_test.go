package recordbatch

import (
	"bytes"
	"slices"
	"testing"
)

func TestSetProducer(t *testing.T) {
	for _, codec := range allCodecs {
		opts := Options{BaseOffset: 500, LeaderEpoch: 3, Codec: codec, Transactional: true, Producer: &Producer{1, 2, 3}}
		batch := small(t, opts)
		if !SetProducer(batch, 1<<40, 8, 99) {
			t.Fatalf("%v: refused", codec)
		}
		h, _, _, err := Next(batch)
		if err != nil {
			t.Fatalf("%v: %v", codec, err)
		}
		want := h
		want.BaseOffset, want.PartitionLeaderEpoch, want.Attributes = 0, -1, int16(codec)
		want.ProducerID, want.ProducerEpoch, want.BaseSequence = 1<<40, 8, 99
		if h != want {
			t.Errorf("%v: %+v", codec, h)
		}
		compareRecords(t, decodeAll(t, batch), renumber(decodeAll(t, small(t, opts)), 0))
	}
}

func TestSetProducerRefuses(t *testing.T) {
	withBit := func(bit byte) []byte {
		b := small(t, Options{})
		b[22] |= bit
		return resum(b)
	}
	var empty Builder
	empty.Reset(Options{})
	empty.EndAt(0)
	none, err := empty.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for name, batch := range map[string][]byte{
		"a hole":          build(t, Options{}, []Record{{Offset: 0}, {Offset: 2}}),
		"a hole in front": build(t, Options{}, []Record{{Offset: 1}}),
		"no records":      none,
		"LogAppendTime":   withBit(logAppendTimeBit),
		"delete horizon":  withBit(deleteHorizonBit),
		"control":         withBit(controlBit),
		"cut short":       small(t, Options{})[:70],
		"two batches":     slices.Concat(small(t, Options{}), small(t, Options{})),
	} {
		before := slices.Clone(batch)
		if SetProducer(batch, 1, 1, 1) {
			t.Errorf("%s: accepted", name)
		}
		if !bytes.Equal(batch, before) {
			t.Errorf("%s: changed", name)
		}
	}
}
