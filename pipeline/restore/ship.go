package restore

import "context"

// flight is a batch that was posted.
type flight struct {
	*shipment
	item loaded
}

// ship produces what the reader queues, several batches at once, and returns
// when the last of them was acknowledged.
//
// The first batch of a run goes alone. A broker that does not know the producer
// yet takes any sequence: with more than one under way it could refuse the first
// for a moment and take the second in its place. From the first acknowledgment
// on it takes them in order, or not at all.
func (l *lane) ship(ctx context.Context, queue <-chan loaded) error {
	for queue != nil || len(l.out) > 0 {
		source := queue
		if len(l.out) >= l.window() {
			source = nil
		}
		select {
		case item, ok := <-source:
			if !ok {
				queue = nil
				continue
			}
			if err := l.post(ctx, item); err != nil {
				return err
			}
		case r := <-l.first():
			if err := l.settle(ctx, r); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// window is how many batches may be out.
func (l *lane) window() int {
	if !l.known {
		return 1
	}
	return batchesInFlight
}

// first returns where the answer to the oldest batch that is out comes, nil if
// there is none.
func (l *lane) first() <-chan receipt {
	if len(l.out) == 0 {
		return nil
	}
	return l.out[0].answer
}

// post sends a batch to the leader without waiting. While none is known, it
// waits for one.
func (l *lane) post(ctx context.Context, item loaded) error {
	broker, _ := l.leaders.of(l.place)
	if broker == noLeader {
		return l.repeat(ctx, []flight{{item: item}})
	}
	f := flight{l.shipment(item), item}
	l.out = append(l.out, f)
	l.sender.post(broker, f.shipment)
	return nil
}

func (l *lane) shipment(item loaded) *shipment {
	return &shipment{place: l.place, id: l.id, batch: item.batch, answer: make(chan receipt, 1)}
}

// settle takes the answer to the oldest batch that is out. If it is not a good
// one, it waits for the answers to the others, which were posted behind it, and
// sends them all again, one after the other and in order.
func (l *lane) settle(ctx context.Context, r receipt) error {
	oldest := l.out[0]
	if r.err == nil {
		l.out = l.out[1:]
		return l.stored(r, oldest.item)
	}
	if !retriable(r.err) {
		return l.explain(r.err, oldest.item)
	}
	for _, f := range l.out[1:] {
		select {
		case <-f.answer:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	again := l.out
	l.out = nil
	return l.repeat(ctx, again)
}

// repeat produces batches one at a time, each until it is in the target. The
// bytes are those of the first time: the broker knows the last five of a
// producer, and more are never out. Their memory is not used again, for the
// client may still hold a request that it was told to forget.
func (l *lane) repeat(ctx context.Context, again []flight) error {
	for _, f := range again {
		r, err := l.produce(ctx, f.item)
		if err != nil {
			return err
		}
		f.item.buffer = nil
		if err := l.stored(r, f.item); err != nil {
			return err
		}
	}
	return nil
}

// stored notes that a batch is in the target.
func (l *lane) stored(r receipt, item loaded) error {
	if err := l.checkPlace(r, item); err != nil {
		return err
	}
	l.known = true
	l.memory.Release(item.weight)
	l.buffers.put(item.buffer)
	l.acknowledged(item)
	return nil
}
