package restore

import (
	"strconv"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// filter is the cut as it concerns one partition: the one place that decides
// whether a record comes back. A cut by offsets needs none, for what lies
// behind it is not read; see [Plan.filter].
type filter struct {
	to int64 // ms, for records outside transactions
	// transactions is nil where they are not looked at.
	transactions *TransactionCut
}

// share is how much of a batch comes back.
type share int

const (
	none share = iota
	some       // each record decides
	all
)

// of tells the share of a batch that nothing is cut off of.
func (f *filter) of(h recordbatch.Header) share {
	switch {
	case f.transactions != nil && h.IsTransactional():
		return f.transaction(h)
	case h.MaxTimestamp <= f.to:
		return all
	case h.LogAppendTime():
		return none // every record has the highest time
	}
	return some
}

func (f *filter) transaction(h recordbatch.Header) share {
	if f.transactions.leavesOut(h) {
		return none
	}
	return all
}

// ofPart tells the share of what is left of a batch, or was put together from
// several copies: the header's times may be those of other records.
func (f *filter) ofPart(h recordbatch.Header) share {
	if f.transactions != nil && h.IsTransactional() {
		return f.transaction(h)
	}
	return some
}

// ofPiece tells the share of a piece, none for markers.
func (f *filter) ofPiece(p Piece) share {
	if p.IsControl() {
		return none
	}
	if h, _, ok := p.Whole(); ok {
		return f.of(h)
	}
	return f.ofPart(p.Header())
}

// takes decides about a record of a batch that has a share.
func (f *filter) takes(s share, timestamp int64) bool {
	return s == all || s == some && timestamp <= f.to
}

// skips tells whether a block is known to hold nothing that comes back.
func (f *filter) skips(b segment.BlockInfo) bool {
	if f.transactions != nil && b.Transactional && b.Base < f.transactions.From {
		return false // what is in it does not go by its times
	}
	return b.MinTimestamp != segment.NoTimestamp && b.MinTimestamp > f.to
}

// withOrigin adds the header that tells where a record was archived. It uses
// the room of headers, which belongs to the caller.
func withOrigin(headers []recordbatch.RecordHeader, rec recordbatch.Record, name string, partition int32) []recordbatch.RecordHeader {
	headers = append(headers[:0], rec.Headers...)
	return append(headers, recordbatch.RecordHeader{Key: []byte(name), Value: origin(partition, rec.Offset)})
}

func origin(partition int32, offset int64) []byte {
	b := strconv.AppendInt(make([]byte, 0, 16), int64(partition), 10)
	return strconv.AppendInt(append(b, ':'), offset, 10)
}
