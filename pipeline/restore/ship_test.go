package restore

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// call is a request that waits for the test to answer it.
type call struct {
	load     []*shipment
	answered chan struct{}
}

// answer gives every batch of the request the same error, or its place.
func (c call) answer(err error) {
	for _, sh := range c.load {
		sh.answer <- receipt{base: int64(sh.batch[0]), err: err}
	}
	close(c.answered)
}

// held makes an office whose requests wait in calls.
func held(calls chan call, limit int) *office {
	return newOffice(func(load []*shipment, taken func()) {
		c := call{load, make(chan struct{})}
		calls <- c
		taken()
		<-c.answered
	}, limit)
}

// text tells what travels in a request.
func (c call) text() string {
	var s string
	for _, sh := range c.load {
		s += fmt.Sprintf("%d:%d ", sh.place.partition, sh.batch[0])
	}
	return s
}

// want reads the requests that are out by now.
func want(t *testing.T, calls chan call, texts ...string) []call {
	t.Helper()
	synctest.Wait()
	var found []call
	var got []string
	for len(calls) > 0 {
		c := <-calls
		found, got = append(found, c), append(got, c.text())
	}
	if !slices.Equal(got, texts) {
		t.Fatalf("requests %q, want %q", got, texts)
	}
	return found
}

func parcel(partition int32, number byte) *shipment {
	return &shipment{place: place{"t", partition}, batch: []byte{number}, answer: make(chan receipt, 1)}
}

// A request holds one batch of a partition, and batches of one partition leave
// in their order. While a request is out, the next waits for half of those that
// are busy.
func TestOffice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		calls := make(chan call, 10)
		o := held(calls, 3)
		for _, sh := range []*shipment{parcel(0, 0), parcel(0, 1), parcel(1, 0), parcel(2, 0), parcel(3, 0), parcel(0, 2)} {
			o.post(sh)
		}
		go o.run(ctx)
		first := want(t, calls, "0:0 1:0 2:0 ", "0:1 3:0 ")
		o.post(parcel(1, 1))
		third := want(t, calls, "0:2 1:1 ") // 2 of 4 are ready
		o.post(parcel(4, 0))
		want(t, calls) // 1 of 5 is
		for _, c := range append(first, third...) {
			c.answer(nil)
		}
		last := want(t, calls, "4:0 ")
		last[0].answer(nil)
		stop()
		synctest.Wait()
	})
}

// A request leaves when the one before it can no longer be overtaken.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		calls, turn := make(chan call, 10), make(chan struct{})
		o := newOffice(func(load []*shipment, taken func()) {
			c := call{load, make(chan struct{})}
			calls <- c
			<-turn
			taken()
			<-c.answered
		}, requestBytes)
		o.post(parcel(0, 0))
		o.post(parcel(0, 1))
		go o.run(ctx)
		first := want(t, calls, "0:0 ")
		turn <- struct{}{}
		second := want(t, calls, "0:1 ")
		first[0].answer(nil)
		turn <- struct{}{}
		second[0].answer(nil)
		stop()
		synctest.Wait()
	})
}

// lonely is a lane with batches to ship and an office that never asks Kafka.
func lonely(ctx context.Context, batches int, calls chan call) (*lane, chan loaded) {
	x := &execution{options: Options{Memory: 1 << 20}.withDefaults(), memory: semaphore.NewWeighted(1 << 20)}
	l := &lane{execution: x, place: place{"t", 0}}
	x.logger = x.options.Logger
	x.leaders.at = map[place]int32{l.place: 1}
	x.holds = func(context.Context, int32, place, loaded) (bool, error) { return false, nil }
	o := held(calls, requestBytes)
	x.sender = sender{lines: lines{nil}, ctx: ctx, workers: &errgroup.Group{}, offices: map[route]*office{{1, 0}: o}}
	go o.run(ctx)
	queue := make(chan loaded, batches)
	for i := range batches {
		_ = x.memory.Acquire(ctx, 1)
		queue <- loaded{batch: []byte{byte(i)}, buffer: &[]byte{byte(i)}, count: 1, base: int64(i), weight: 1}
	}
	close(queue)
	return l, queue
}

// A broker that does not know the producer takes any sequence, so the first
// batch goes alone. Five are out then; after an error all of them are sent
// again, one at a time, and five once more.
func TestBatchesInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		calls := make(chan call, 10)
		l, queue := lonely(ctx, 12, calls)
		done := make(chan error, 1)
		go func() { done <- l.ship(ctx, queue) }()
		want(t, calls, "0:0 ")[0].answer(nil)
		out := want(t, calls, "0:1 ", "0:2 ", "0:3 ", "0:4 ", "0:5 ")
		out[0].answer(nil)
		out = append(out[1:], want(t, calls, "0:6 ")...)
		out[0].answer(kerr.NotLeaderForPartition)
		want(t, calls) // the answers to the others come first
		for _, c := range out[1:] {
			c.answer(kerr.OutOfOrderSequenceNumber)
		}
		for _, text := range []string{"0:2 ", "0:3 ", "0:4 ", "0:5 ", "0:6 "} {
			want(t, calls, text)[0].answer(nil)
		}
		for _, c := range want(t, calls, "0:7 ", "0:8 ", "0:9 ", "0:10 ", "0:11 ") {
			c.answer(nil)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if !l.memory.TryAcquire(1 << 20) {
			t.Error("not all memory was given back")
		}
		stop()
		synctest.Wait()
	})
}

// What was sent twice may still be held by the client, so its memory is not
// used for another batch.
func TestMemoryOfARepeatedBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		calls := make(chan call, 10)
		l, queue := lonely(ctx, 1, calls)
		go func() { _ = l.ship(ctx, queue) }()
		want(t, calls, "0:0 ")[0].answer(kerr.NotLeaderForPartition)
		want(t, calls, "0:0 ")[0].answer(nil)
		synctest.Wait()
		if l.buffers.pool.Get() != nil {
			t.Error("the memory was kept for another batch")
		}
		stop()
		synctest.Wait()
	})
}
