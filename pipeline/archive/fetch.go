package archive

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetcher reads raw batches from the brokers. Every broker has one loop with a
// client of its own and one outstanding fetch: a long poll or a throttled
// answer holds up nothing but that broker's data.
type fetcher struct {
	cfg      *Config
	log      *slog.Logger
	budget   *budget
	topology *topology
	offsets  *offsets

	mu      sync.Mutex
	cursors map[Key]*cursor
	brokers map[int32]*broker
	start   func(run func(context.Context)) // runs a broker's loop until the archiver stops
}

// broker is one fetch loop's share of the cursors, in the order in which they
// are asked for next. Guarded by fetcher.mu.
type broker struct {
	id      int32
	cursors []*cursor
	ended   bool // its loop is to end
	kick    chan struct{}
}

func (b *broker) wake() {
	select {
	case b.kick <- struct{}{}:
	default:
	}
}

// add begins to fetch for a cursor. It leaves the others where they are, for
// ten thousand may be added one after the other.
func (f *fetcher) add(c *cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cursors[c.key] = c
	if id := f.lead(c); id >= 0 {
		b := f.brokerOf(id)
		b.cursors = append(b.cursors, c)
		b.wake()
	}
}

// remove ends fetching for a cursor. When it returns, nothing more will be put
// on the cursor's channel: what is in flight is thrown away on arrival.
func (f *fetcher) remove(c *cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.removed = true
	if f.cursors[c.key] == c {
		delete(f.cursors, c.key)
	}
}

// consumed tells that a partition has room for another chunk.
func (f *fetcher) consumed(c *cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.brokers[c.leader.broker]; b != nil && !c.inFlight {
		b.wake()
	}
}

// place puts every cursor into the share of the broker that leads it now. The
// topology calls it after every refresh.
func (f *fetcher) place() {
	f.mu.Lock()
	defer f.mu.Unlock()
	shares := map[int32][]*cursor{}
	for _, b := range f.brokers {
		for _, c := range b.cursors {
			if !c.removed && f.lead(c) == b.id {
				shares[b.id] = append(shares[b.id], c)
			}
		}
	}
	placed := map[*cursor]bool{}
	for _, s := range shares {
		for _, c := range s {
			placed[c] = true
		}
	}
	for _, c := range f.cursors {
		if id := f.lead(c); !placed[c] && id >= 0 {
			shares[id] = append(shares[id], c)
		}
	}
	f.share(shares)
}

// lead looks up who leads a cursor's partition. A partition whose topic now
// has another id has no leader: that life of the topic is over.
func (f *fetcher) lead(c *cursor) int32 {
	id, l, err := f.topology.leader(c.key)
	if err != nil || id != c.id {
		l = leader{broker: -1, epoch: -1}
	}
	if !c.inFlight {
		c.leader = l
	}
	return l.broker
}

// share gives each broker its cursors. A broker that leads none of ours any
// more has perhaps left the cluster: its loop ends, and a new one begins when
// it comes back.
func (f *fetcher) share(shares map[int32][]*cursor) {
	for id := range shares {
		f.brokerOf(id)
	}
	for id, b := range f.brokers {
		b.cursors = shares[id]
		if len(b.cursors) == 0 {
			b.ended = true
			delete(f.brokers, id)
		}
		b.wake()
	}
}

// brokerOf returns a broker's share, and starts its loop where there is none.
func (f *fetcher) brokerOf(id int32) *broker {
	b := f.brokers[id]
	if b == nil {
		b = &broker{id: id, kick: make(chan struct{}, 1)}
		f.brokers[id] = b
		f.start(func(ctx context.Context) { f.loop(ctx, b) })
	}
	return b
}

// loop fetches from one broker until ctx ends, or the broker leads nothing of
// ours.
func (f *fetcher) loop(ctx context.Context, b *broker) {
	var client *kgo.Client
	defer func() {
		if client != nil {
			client.Close()
		}
	}()
	for {
		claimed, ok := f.claim(ctx, b)
		if !ok {
			return
		}
		var err error
		if client == nil {
			client, err = f.connect(ctx)
		}
		if err == nil {
			err = f.fetch(ctx, client, b, claimed)
		}
		f.unclaim(b, claimed)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return
		}
		f.log.Warn("fetch", "broker", b.id, "error", err)
		if client != nil {
			client.Close() // the next client learns the brokers' addresses anew
			client = nil
		}
		f.topology.refresh()
		pause(ctx, retryFirst)
	}
}

// connect opens a client for one loop and has it learn who the brokers are.
func (f *fetcher) connect(ctx context.Context) (*kgo.Client, error) {
	client, err := kgo.NewClient(slices.Concat(f.cfg.Client, []kgo.Opt{kgo.BrokerMaxReadBytes(f.maxResponse())})...)
	if err != nil {
		return nil, fmt.Errorf("open fetch client: %w", err)
	}
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	if _, err := req.RequestWith(ctx, client); err != nil {
		client.Close()
		return nil, fmt.Errorf("ask for brokers: %w", err)
	}
	return client, nil
}

// leastResponse is franz-go's own limit on an answer, below which it refuses to
// start.
const leastResponse = 100 << 20

// maxResponse leaves room for the one batch that a broker may send beyond the
// limits, and for what is not batches.
func (f *fetcher) maxResponse() int32 {
	most := int64(f.cfg.Fetch.MaxBytes) + int64(f.cfg.Fetch.MaxBatchBytes) + 16<<20
	return int32(min(max(leastResponse, most), math.MaxInt32))
}

// claim waits until the broker has something to be asked for, and marks it as
// in flight.
func (f *fetcher) claim(ctx context.Context, b *broker) ([]*cursor, bool) {
	for {
		claimed, wait, ended := f.tryClaim(b)
		if ended || len(claimed) > 0 {
			return claimed, !ended && ctx.Err() == nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-b.kick:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil, false
		}
	}
}

// tryClaim also tells how long to wait at most until a resting cursor is due,
// and whether the loop is to end.
func (f *fetcher) tryClaim(b *broker) (claimed []*cursor, wait time.Duration, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	wait = time.Minute
	for _, c := range b.cursors {
		if c.inFlight {
			continue // another loop's still: its unclaim wakes this one
		}
		if c.ready(now) {
			c.inFlight = true
			claimed = append(claimed, c)
		} else if d := c.rest.Sub(now); d > 0 {
			wait = min(wait, d)
		}
	}
	return claimed, wait, b.ended
}

// unclaim gives the cursors back, and wakes the loop of another broker where
// the leader has moved meanwhile.
func (f *fetcher) unclaim(b *broker, claimed []*cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range claimed {
		c.inFlight = false
		if id := f.lead(c); id != b.id && f.brokers[id] != nil {
			f.brokers[id].wake()
		}
	}
}

// fetch makes one request and hands out what it brings. While it is under way
// the budget holds room for what the partitions may bring; what comes beyond,
// such as one large batch, is counted when it is there.
func (f *fetcher) fetch(ctx context.Context, client *kgo.Client, b *broker, claimed []*cursor) error {
	limit := f.limit()
	room := min(limit, max(int64(len(claimed))*int64(f.cfg.Fetch.MaxPartitionBytes), leastRoom))
	if err := f.budget.reserve(ctx, room); err != nil {
		return err
	}
	resp, err := f.request(ctx, client, b.id, claimed, limit)
	if err != nil {
		f.budget.add(-room)
		return err
	}
	total := bytesIn(resp)
	p := &pin{bytes: total, budget: f.budget}
	p.take()
	f.budget.add(total - room)
	busy := f.deliver(ctx, resp, claimed, p)
	p.release()
	f.rotate(b, busy)
	return nil
}

// limit is how many bytes to ask a broker for at most: however many brokers
// there are, together no more than half of the budget. A long poll holds its
// room although nothing arrives.
func (f *fetcher) limit() int64 {
	f.mu.Lock()
	brokers := len(f.brokers)
	f.mu.Unlock()
	share := max(f.budget.total/int64(2*max(brokers, 1)), leastRoom)
	return min(int64(f.cfg.Fetch.MaxBytes), share)
}

// leastRoom keeps fetches worth their while where the budget is small.
const leastRoom = 64 << 10

// rotate moves the partitions that brought data behind the others: a broker
// fills its answer in the order of the request.
func (f *fetcher) rotate(b *broker, busy map[*cursor]bool) {
	if len(busy) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	order := make([]*cursor, 0, len(b.cursors))
	for _, first := range []bool{true, false} {
		for _, c := range b.cursors {
			if busy[c] != first {
				order = append(order, c)
			}
		}
	}
	b.cursors = order
}

func (f *fetcher) request(ctx context.Context, client *kgo.Client, id int32, claimed []*cursor, limit int64) (*kmsg.FetchResponse, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = int32(f.cfg.Fetch.MaxWait.Milliseconds())
	req.MinBytes = f.cfg.Fetch.MinBytes
	req.MaxBytes = int32(limit)
	req.IsolationLevel = readCommitted
	req.SessionEpoch = -1
	at := map[string]int{}
	for _, c := range claimed {
		i, ok := at[c.key.Topic]
		if !ok {
			i = len(req.Topics)
			at[c.key.Topic] = i
			rt := kmsg.NewFetchRequestTopic()
			rt.Topic, rt.TopicID = c.key.Topic, c.id
			req.Topics = append(req.Topics, rt)
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, f.ask(c))
	}
	kresp, err := client.Broker(int(id)).Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("fetch from broker %d: %w", id, err)
	}
	resp := kresp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, fmt.Errorf("fetch from broker %d: %w", id, err)
	}
	return resp, nil
}

// readCommitted is the isolation level of KIP-98: nothing beyond the last
// stable offset, and a list of what was aborted.
const readCommitted = 1

func (f *fetcher) ask(c *cursor) kmsg.FetchRequestTopicPartition {
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition = c.key.Partition
	rp.FetchOffset = c.next
	rp.CurrentLeaderEpoch = c.leader.epoch
	rp.LastFetchedEpoch = c.epoch
	rp.PartitionMaxBytes = f.cfg.Fetch.MaxPartitionBytes
	return rp
}

func bytesIn(resp *kmsg.FetchResponse) (n int64) {
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			n += int64(len(resp.Topics[i].Partitions[j].RecordBatches))
		}
	}
	return n
}
