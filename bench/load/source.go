package load

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidemark-io/tidemark/bench/events"
)

// openOrders is how many orders are under way in a bank: so far apart are the
// events of one order.
const openOrders = 5_000

// warmUp is how many events pass for each open order before the mixture of
// new orders and old ones is what it stays.
const warmUp = 10

// source makes the events of one topic. It is for one goroutine.
type source struct {
	gen   *events.Generator
	topic string
	at    int64 // ms, of the next event
	skew  *skew // nil for the generator's own keys
	shape shape
}

func newSource(o Options, node int64, open int) *source {
	s := &source{
		gen:   events.New(o.Seed, events.Options{OpenOrders: open, SnapshotRows: -1, Jitter: -1, Node: node}),
		topic: events.Orders,
		at:    time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), // equal seeds make equal banks
		shape: shape{rng: rand.New(rand.NewPCG(o.Seed, uint64(node)))},
	}
	if o.Workload.Format == Debezium {
		s.topic = events.OrderRows
	}
	for range warmUp * open {
		s.gen.Next(s.at)
		s.at++
	}
	return s
}

// next makes an event that belongs to whoever asked for it.
func (s *source) next() event { return s.shape.apply(s.raw()) }

// raw is next before the event gets its size.
func (s *source) raw() event {
	for {
		e := s.gen.Next(s.at)
		s.at++
		if e.Topic != s.topic {
			continue
		}
		own := event{key: bytes.Clone(e.Key), value: bytes.Clone(e.Value)}
		if s.skew != nil {
			own = s.skew.rekey(own)
		}
		return own
	}
}

// some makes n events.
func (s *source) some(n int) []event {
	out := make([]event, n)
	for i := range out {
		out[i] = s.next()
	}
	return out
}

// needle is a key that a run strews thinly, with the events it has.
type needle struct {
	key       []byte
	partition int32
	events    []event
}

// maxNeedleEvents bounds the events of a needle: an order has five on average.
const maxNeedleEvents = 8

// needles makes n keys that no other event of the bank has: orders of another
// machine, so few at a time that their events come together.
func needles(o Options, sh shape, n int) ([]needle, error) {
	if n == 0 {
		return nil, nil
	}
	s := newSource(o, 1, n)
	s.shape = sh
	s.shape.rng = rand.New(rand.NewPCG(o.Seed, 1))
	at := map[string]int{}
	var out []needle
	for range 100 * n {
		e := s.next()
		i, ok := at[string(e.key)]
		if !ok && len(out) < n {
			i, ok = len(out), true
			at[string(e.key)] = i
			out = append(out, needle{key: e.key, partition: partitionOf(e.key, o.Workload.Partitions)})
		}
		if ok && len(out[i].events) < maxNeedleEvents {
			out[i].events = append(out[i].events, e)
		}
	}
	if len(out) < n {
		return nil, fmt.Errorf("make %d keys to look for: only %d came", n, len(out))
	}
	return out, nil
}
