package events

import (
	"math/rand/v2"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// zipfExponent and zipfShift make the first of 20,000 customers order about one
// time in thirty: a busy shop's wholesaler.
const (
	zipfExponent = 1.1
	zipfShift    = 3
)

// Event is one record to produce. Its slices are valid until the generator's
// next call.
type Event struct {
	Topic string
	Key   []byte
	// Value is nil for a tombstone.
	Value []byte
	// Headers are in order; a nil value is null.
	Headers []recordbatch.RecordHeader
	// Timestamp is in ms since the epoch.
	Timestamp int64
}

// Generator makes events. It is not safe for concurrent use.
type Generator struct {
	opts      Options
	rng       *rand.Rand
	zipf      *rand.Zipf
	open      []order    // slots; a finished one waits to be taken again
	customers []customer // by number
	queue     []step     // decided, not yet yielded; from head on
	head      int

	ids      snowflake
	lsn      int64 // position in the log of the imagined database
	tx       int64 // its transactions
	items    []byte
	key      []byte
	value    []byte
	headers  []recordbatch.RecordHeader
	trace    []byte
	followed string // event-type of the record at hand
}

// New makes a generator. Equal seeds and options make equal generators.
func New(seed uint64, opts Options) *Generator {
	opts = opts.withDefaults()
	rng := rand.New(rand.NewPCG(seed, 0x7469_6465_6d61_726b))
	g := &Generator{
		opts:      opts,
		rng:       rng,
		zipf:      rand.NewZipf(rng, zipfExponent, zipfShift, uint64(opts.Customers-1)),
		open:      make([]order, opts.OpenOrders),
		customers: make([]customer, opts.Customers),
		ids:       snowflake{node: opts.Node},
		lsn:       24_023_128,
		tx:        571,
	}
	for i := range min(opts.SnapshotRows, opts.Customers) {
		g.customers[i].version = 1
	}
	g.Snapshot(opts.SnapshotRows)
	return g
}

// Snapshot makes the next events the rows of a Debezium snapshot (op r): at
// most so many of each table, as they are now.
func (g *Generator) Snapshot(rows int) {
	for i := range min(rows, len(g.customers)) {
		if g.customers[i].version > 0 {
			g.push(step{kind: customerRow, op: opRead, number: i, version: g.customers[i].version})
		}
	}
	left := rows
	for i := range g.open {
		if left == 0 {
			return
		}
		if o := g.open[i]; o.status != statusNone {
			g.push(step{kind: orderRow, op: opRead, order: o})
			left--
		}
	}
}

// Next makes the event of a moment, in ms since the epoch. Moments should not
// go back.
func (g *Generator) Next(at int64) Event {
	for g.head == len(g.queue) {
		g.queue, g.head = g.queue[:0], 0
		g.decide(at)
	}
	s := &g.queue[g.head]
	g.head++
	stamp := at
	if g.opts.Jitter > 0 && g.rng.Uint32()&3 == 0 {
		stamp -= g.rng.Int64N(g.opts.Jitter + 1)
	}
	e := g.encode(s, stamp)
	e.Timestamp = stamp
	e.Headers = g.makeHeaders(s)
	return e
}

func (g *Generator) push(s step) { g.queue = append(g.queue, s) }

// decide lets one order take its next step and queues all records of that step.
func (g *Generator) decide(at int64) {
	o := &g.open[g.rng.IntN(len(g.open))]
	if o.status == statusNone {
		number := int(g.zipf.Uint64())
		g.changeCustomer(number)
		*o = g.newOrder(number, at)
		g.pushOrder(*o, *o, opCreate)
		return
	}
	before := *o
	o.status = g.following(before.status)
	switch o.status {
	case statusNone:
	case statusDeleted:
		g.pushDeleted(before)
		o.status = statusNone
	default:
		g.pushOrder(before, *o, opUpdate)
	}
}

// pushOrder queues an event and, where the status stands in the table, the
// change of the row.
func (g *Generator) pushOrder(before, now order, op op) {
	g.push(step{kind: orderEvent, order: now})
	if now.status != statusShipped { // the carrier's table, not ours
		g.push(step{kind: orderRow, op: op, order: now, before: before.status})
	}
}

func (g *Generator) pushDeleted(o order) {
	deleted := o
	deleted.status = statusDeleted
	g.push(step{kind: orderEvent, order: deleted})
	g.push(step{kind: orderTombstone, order: deleted})
	g.push(step{kind: orderRow, op: opDelete, order: o})
	g.push(step{kind: orderRowTombstone, order: o})
}
