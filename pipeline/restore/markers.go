package restore

import (
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"slices"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// scan is what was seen of the transactions of one partition around the moment.
type scan struct {
	place place
	// restored is true if the partition comes back, false if it is only looked
	// at for the sake of others.
	restored bool
	// begin and end are the offsets that were looked at, [begin, end).
	begin, end int64
	// whole is true if it ends at a marker behind the window, false if it ends
	// with the archive.
	whole bool
	marks []*mark // by offset
	// latest is the highest time of a marker in ms, segment.NoTimestamp where
	// there is none.
	latest int64

	open map[int64]*run // data without a marker so far, by producer
	lost []*run         // data whose marker is not where it has to be
	seen map[int64]bool // producers
}

// mark is the end of a transaction in one partition.
type mark struct {
	producer int64
	epoch    int16 // the marker's
	offset   int64
	// earliest and latest bound the time of the marker in ms. They are the same
	// but where the marker was not found.
	earliest, latest int64
	found            found
	// version is that of the transactions' protocol, for a marker that was not
	// found; 0 if nothing tells.
	version version
	// data is what the producer wrote here since its last marker, nil if nothing.
	data *run
	// first is true for the first that is seen of a producer here: more of its
	// data may lie before.
	first bool
	out   bool
}

// version is that of the protocol of transactions (KIP-890).
type version int

const (
	version1 version = 1
	version2 version = 2
)

// found tells what became of a marker.
type found int

const (
	archived found = iota
	// removed: something else of the producer follows where the marker has to
	// be; the log cleaner took it away, or it was lost in a gap.
	removed
	// ahead: the archive ends before it, or it lies behind the window.
	ahead
)

// run is the data that a producer wrote in one partition in one transaction.
type run struct {
	producer   int64
	epoch      int16
	base, next int64
	// created is the time of the first record and latest the highest one, in ms.
	created, latest int64
	// sane is true if created is known.
	sane  bool
	first bool
}

// version2 is true for the marker of a transaction of version 2 (KIP-890): the
// coordinator raises the epoch at the end of every transaction, and the marker
// carries the new one. Before, it carries that of the data.
func (m *mark) version2() bool { return m.data != nil && m.data.epoch+1 == m.epoch }

func (m *mark) version1() bool { return m.data != nil && m.data.epoch == m.epoch }

// bounds are the times between which markers are looked at.
type bounds struct {
	to     int64 // the moment, ms
	window int64 // ms
}

func (b bounds) last() int64 {
	if b.to > math.MaxInt64-b.window {
		return math.MaxInt64
	}
	return b.to + b.window
}

// early tells whether every transaction with a marker at or before such a time
// was complete at the moment, and began before anything that was not: its own
// parts lie within one window, and the data of others within another.
func (b bounds) early(time int64) bool { return time < b.to-2*b.window }

// start returns the offset behind the last block of which all markers are early.
func (b bounds) start(s Survey) int64 {
	var start int64
	for _, seg := range s.Segments {
		for _, block := range seg.Transactional {
			if block.Control && b.early(block.MaxTimestamp) {
				start = max(start, block.Next)
			}
		}
	}
	return start
}

// idle tells whether a partition has no transactions from an offset on.
func idle(s Survey, from int64) bool {
	for _, seg := range s.Segments {
		for _, block := range seg.Transactional {
			if block.Next > from {
				return false
			}
		}
	}
	return true
}

// look reads the headers of a partition's transactions around the moment. Of one
// whose archive ends long before, it reads those around that end: the last of
// them may lack their markers.
func (b bounds) look(ctx context.Context, src Source, topic string, pp *PartitionPlan, s Survey) (*scan, error) {
	sc := newScan(place{topic, pp.Number}, pp.Archived)
	if final, ok := lastMarkers(s); ok && b.early(final.MaxTimestamp) {
		end := newScan(sc.place, pp.Archived)
		if err := end.read(ctx, src, pp, final.Base, b); err != nil {
			return nil, err
		}
		b.to = min(b.to, end.latest)
	}
	sc.begin = b.start(s)
	if idle(s, sc.begin) {
		return sc, nil
	}
	if err := sc.read(ctx, src, pp, sc.begin, b); err != nil {
		return nil, err
	}
	sc.close()
	return sc, nil
}

func newScan(p place, end int64) *scan {
	return &scan{place: p, end: end, latest: segment.NoTimestamp, open: map[int64]*run{}, seen: map[int64]bool{}}
}

// lastMarkers returns the last block with a marker.
func lastMarkers(s Survey) (last Block, ok bool) {
	for _, seg := range s.Segments {
		for _, block := range seg.Transactional {
			if block.Control && (!ok || block.Next > last.Next) {
				last, ok = block, true
			}
		}
	}
	return last, ok
}

// read goes from an offset to the first marker behind the window.
func (sc *scan) read(ctx context.Context, src Source, pp *PartitionPlan, from int64, b bounds) error {
	dec := recordbatch.NewDecoder(0)
	skip := func(block segment.BlockInfo) bool { return !block.Transactional && !block.Control }
	for piece, err := range pp.read(ctx, src, sc.place.topic, from, skip) {
		if err != nil {
			return err
		}
		h := piece.Header()
		if !h.IsTransactional() {
			continue
		}
		if !piece.IsControl() {
			sc.data(h)
			continue
		}
		time, commits, err := sc.marker(piece, dec)
		if err != nil {
			return err
		}
		if !commits {
			continue
		}
		sc.mark(h, time)
		if time > b.last() {
			sc.end, sc.whole = h.NextOffset(), true
			return nil
		}
	}
	return nil
}

// marker tells when a transaction was committed. A marker whose record the log
// cleaner took away still has its time, and must have committed what is there:
// aborted data is not archived.
func (sc *scan) marker(p Piece, d *recordbatch.Decoder) (time int64, commits bool, err error) {
	for rec, err := range p.Records(d) {
		if err != nil {
			return 0, false, err
		}
		kind := recordbatch.ControlNone
		if len(rec.Key) >= 4 {
			kind = recordbatch.ControlType(binary.BigEndian.Uint16(rec.Key[2:]))
		}
		return rec.Timestamp, kind == recordbatch.ControlCommit, nil
	}
	h := p.Header()
	return h.MaxTimestamp, sc.open[h.ProducerID] != nil && h.MaxTimestamp >= 0, nil
}

// data notes a batch of a transaction.
func (sc *scan) data(h recordbatch.Header) {
	r := sc.open[h.ProducerID]
	if r != nil && r.epoch != h.ProducerEpoch {
		sc.lost = append(sc.lost, r)
		r = nil
	}
	if r == nil {
		r = &run{
			producer: h.ProducerID, epoch: h.ProducerEpoch, base: h.BaseOffset, first: !sc.seen[h.ProducerID],
			created: h.BaseTimestamp, latest: h.MaxTimestamp, sane: !h.HasDeleteHorizon(),
		}
		if h.LogAppendTime() {
			r.created, r.sane = h.MaxTimestamp, true
		}
		sc.open[h.ProducerID], sc.seen[h.ProducerID] = r, true
	}
	r.next, r.latest = h.NextOffset(), max(r.latest, h.MaxTimestamp)
}

// mark notes a commit marker. It ends what its producer wrote since the last.
func (sc *scan) mark(h recordbatch.Header, time int64) {
	m := &mark{producer: h.ProducerID, epoch: h.ProducerEpoch, offset: h.BaseOffset, earliest: time, latest: time, first: !sc.seen[h.ProducerID]}
	if r := sc.open[h.ProducerID]; r != nil {
		delete(sc.open, h.ProducerID)
		if r.epoch == m.epoch || r.epoch+1 == m.epoch {
			m.data, m.first = r, r.first
		} else {
			sc.lost = append(sc.lost, r)
		}
	}
	sc.seen[h.ProducerID] = true
	sc.marks = append(sc.marks, m)
	sc.latest = max(sc.latest, time)
}

// close makes marks of what has no marker. The clock of a partition's leader
// bounds the time that it had: it lies between those of its neighbours.
func (sc *scan) close() {
	archived := sc.marks
	for _, r := range sc.lost {
		m := sc.stand(r, removed, r.next)
		i, _ := slices.BinarySearchFunc(archived, r.next, func(m *mark, offset int64) int { return cmp.Compare(m.offset, offset) })
		if i > 0 {
			m.earliest = archived[i-1].earliest
		}
		if i < len(archived) {
			m.latest = archived[i].latest
		}
	}
	for _, r := range sc.open {
		m := sc.stand(r, ahead, math.MaxInt64)
		m.earliest = sc.latest
	}
	slices.SortStableFunc(sc.marks, func(x, y *mark) int {
		return cmp.Or(cmp.Compare(x.offset, y.offset), cmp.Compare(x.producer, y.producer))
	})
}

// stand adds a mark for a marker that was not found.
func (sc *scan) stand(r *run, f found, offset int64) *mark {
	m := &mark{
		producer: r.producer, epoch: r.epoch, offset: offset, earliest: math.MinInt64, latest: math.MaxInt64,
		found: f, data: r, first: r.first,
	}
	sc.marks = append(sc.marks, m)
	return m
}
