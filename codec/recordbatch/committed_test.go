package recordbatch

import (
	"bytes"
	"reflect"
	"testing"
)

func TestSetCommittedChangesTheBitAlone(t *testing.T) {
	producer := &Producer{ID: 7, Epoch: 3, Sequence: 40}
	records := []Record{{Offset: 100, Timestamp: 5, Key: []byte("k"), Value: []byte("v")}, {Offset: 107, Timestamp: -1}}
	build := func(transactional bool) []byte {
		var b Builder
		b.Reset(Options{BaseOffset: 100, LeaderEpoch: 9, Codec: CodecZstd, Producer: producer, Transactional: transactional})
		for _, r := range records {
			if err := b.Append(r); err != nil {
				t.Fatal(err)
			}
		}
		built, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(built)
	}
	got, want := build(true), build(false)
	if !SetCommitted(got) || !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	if _, _, _, err := Next(got); err != nil {
		t.Errorf("what comes out: %v", err)
	}
	if !SetCommitted(want) || !reflect.DeepEqual(got, want) {
		t.Error("a batch outside transactions was changed")
	}
}

func TestSetCommittedRefuses(t *testing.T) {
	var b Builder
	b.Reset(Options{Control: true, Transactional: true, Producer: &Producer{ID: 1, Sequence: -1}})
	if err := b.Append(Record{Key: []byte{0, 0, 0, 1}, Value: []byte{0, 0, 0, 0, 0, 0}}); err != nil {
		t.Fatal(err)
	}
	marker, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for what, batch := range map[string][]byte{"a marker": bytes.Clone(marker), "half a batch": bytes.Clone(marker[:70]), "nothing": nil} {
		before := bytes.Clone(batch)
		if SetCommitted(batch) || !bytes.Equal(batch, before) {
			t.Errorf("%s: taken or changed", what)
		}
	}
}
