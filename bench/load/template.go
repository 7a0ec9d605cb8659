package load

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Where the fields are that a run sets anew; package recordbatch has the whole
// header.
const (
	crcAt           = 17
	attributesAt    = 21
	baseTimestampAt = 27
	maxTimestampAt  = 35
	producerIDAt    = 43
	producerEpochAt = 51
	sequenceAt      = 53

	transactionalBit = 1 << 4
)

const (
	// spread is the time from a batch's first event to its last, in ms: about
	// what a producer's linger makes it.
	spread = 5
	// maxBatch is what brokers take by default (message.max.bytes is 1 MiB and
	// 12 bytes).
	maxBatch = 1 << 20
)

// event is what the bank makes batches of.
type event struct {
	key, value []byte // a nil value is a tombstone
}

func (e event) size() int { return len(e.key) + len(e.value) }

// template is an encoded batch that waits for its time and its producer.
type template struct {
	batch  []byte
	events int32
	bytes  int64 // of keys and values
	plain  int64 // of the batch if it were not compressed
	last   int64 // ms from the first event to the last
	needle int32 // the one it holds, -1 for none
}

// encoder makes templates, for one goroutine.
type encoder struct {
	builder recordbatch.Builder
	codec   recordbatch.Codec
}

func (c *encoder) encode(events []event, needle int32) (*template, error) {
	t := &template{events: int32(len(events)), needle: needle, plain: recordbatch.HeaderSize}
	c.builder.Reset(recordbatch.Options{LeaderEpoch: -1, Codec: c.codec, Producer: &recordbatch.Producer{}})
	for i, e := range events {
		t.last = int64(i) * spread / int64(len(events))
		err := c.builder.Append(recordbatch.Record{Offset: int64(i), Timestamp: t.last, Key: e.key, Value: e.value})
		if err != nil {
			return nil, fmt.Errorf("make a batch: %w", err)
		}
		t.bytes += int64(e.size())
		t.plain += recordSize(e, t.last, int64(i))
	}
	batch, err := c.builder.Finish()
	if err != nil {
		return nil, fmt.Errorf("make a batch: %w", err)
	}
	if len(batch) > maxBatch {
		return nil, fmt.Errorf("a batch of %d events is %d bytes long, above the %d that brokers take: ask for fewer events a batch", len(events), len(batch), maxBatch)
	}
	t.batch = slices.Clone(batch)
	return t, nil
}

// recordSize is the length of a record without headers, before compression.
func recordSize(e event, timeDelta, offsetDelta int64) int64 {
	var b [binary.MaxVarintLen64]byte
	varint := func(v int64) int64 { return int64(binary.PutVarint(b[:], v)) }
	value := int64(len(e.value))
	if e.value == nil {
		value = -1
	}
	n := 1 + varint(timeDelta) + varint(offsetDelta) + varint(int64(len(e.key))) + varint(value) + varint(0) + int64(e.size())
	return n + varint(n)
}

// stamp is what a batch gets when it is sent.
type stamp struct {
	now           int64 // ms since the epoch, of the last event
	producer      int64
	epoch         int16
	sequence      int32
	transactional bool
}

// appendTo appends the batch with its stamp to b, and returns its checksum,
// which is also that of the batch as the broker will store it: offset and
// leader epoch are outside.
func (t *template) appendTo(b []byte, s stamp) ([]byte, uint32) {
	at := len(b)
	b = append(b, t.batch...)
	h := b[at:]
	be := binary.BigEndian
	attributes := be.Uint16(h[attributesAt:])
	if s.transactional {
		attributes |= transactionalBit
	}
	be.PutUint16(h[attributesAt:], attributes)
	be.PutUint64(h[baseTimestampAt:], uint64(s.now-t.last))
	be.PutUint64(h[maxTimestampAt:], uint64(s.now))
	be.PutUint64(h[producerIDAt:], uint64(s.producer))
	be.PutUint16(h[producerEpochAt:], uint16(s.epoch))
	be.PutUint32(h[sequenceAt:], uint32(s.sequence))
	crc := crc32.Checksum(h[attributesAt:], castagnoli)
	be.PutUint32(h[crcAt:], crc)
	return b, crc
}
