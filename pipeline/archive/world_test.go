package archive_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/archive"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// world is everything around an archiver: a broker, two regions in memory,
// the keys, and a ledger of what was produced and committed.
type world struct {
	t       testing.TB
	broker  *kfake.Cluster
	admin   *kadm.Client
	id      names.ArchiveID
	trust   *signed.Trust
	signer  *signed.Signer
	regions [2]*memoryRegion
	secrets *secretBook

	mu   sync.Mutex
	used map[*archive.Archiver]*atomic.Int64 // of the memory budget, as last told
}

func newWorld(t testing.TB, topics ...kfake.Opt) *world {
	t.Helper()
	if t, ok := t.(*testing.T); ok {
		t.Parallel()
	}
	w := &world{t: t, secrets: &secretBook{known: map[slot]block.Secret{}}, used: map[*archive.Archiver]*atomic.Int64{}}
	var err error
	w.broker, err = kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(2), kfake.SleepOutOfOrder()}, topics...)...)
	must(t, err)
	t.Cleanup(w.broker.Close)
	w.admin = kadm.NewClient(w.client())
	rand.Read(w.id[:])
	w.regions = [2]*memoryRegion{newMemoryRegion("a"), newMemoryRegion("b")}
	w.trustNobodyElse()
	return w
}

func (w *world) trustNobodyElse() {
	_, rootKey, _ := ed25519.GenerateKey(nil)
	_, key, _ := ed25519.GenerateKey(nil)
	root := signed.NewSigner(signed.RoleRoot, rootKey)
	w.signer = signed.NewSigner(signed.RoleArchive, key)
	var err error
	w.trust, err = signed.NewTrust(w.id, root.Public())
	must(w.t, err)
	file, err := root.Seal(signed.KindSigner, signed.Introduction{Archive: w.id, Role: signed.RoleArchive, Key: w.signer.Public(), Created: time.Now()})
	must(w.t, err)
	_, err = w.trust.Introduce(file)
	must(w.t, err)
}

func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.broker.ListenAddrs()...)}, opts...)...)
	must(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

// config is small and quick: segments of 64 KiB, half a second old at most.
func (w *world) config(topics ...string) archive.Config {
	cfg := archive.Config{
		Group:  "tidemark",
		Client: []kgo.Opt{kgo.SeedBrokers(w.broker.ListenAddrs()...)},
		Membership: []kgo.Opt{
			kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(200 * time.Millisecond),
		},
		Roll:         archive.Roll{Size: 64 << 10, Age: 300 * time.Millisecond, Block: 16 << 10, Compression: block.Zstd, KeyFilter: true},
		Fetch:        archive.Fetch{MaxWait: 50 * time.Millisecond, MinBytes: 1, MaxBytes: 4 << 20, MaxPartitionBytes: 1 << 20, MaxBatchBytes: 8 << 20},
		Memory:       64 << 20,
		Grace:        10 * time.Second,
		DegradeAfter: 500 * time.Millisecond,
	}
	for _, t := range topics {
		cfg.Topics = append(cfg.Topics, archive.Topic{Name: t})
	}
	return cfg
}

func (w *world) archiver(cfg archive.Config, change ...func(*archive.Parts)) *archive.Archiver {
	parts := archive.Parts{
		Archive: w.id, Signer: w.signer, Regions: []archive.Region{w.regions[0], w.regions[1]},
		Secrets: w.secrets, Catalogue: w, Healer: w, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
	}
	for _, c := range change {
		c(&parts)
	}
	used := new(atomic.Int64)
	observe := parts.Hooks.Memory
	parts.Hooks.Memory = func(n, total int64) {
		used.Store(n)
		if observe != nil {
			observe(n, total)
		}
	}
	a := archive.New(cfg, parts)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used[a] = used
	return a
}

// settled fails unless an archiver that has stopped has given back every byte
// of its budget.
func (w *world) settled(a *archive.Archiver) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := w.used[a].Load(); n != 0 {
		w.t.Errorf("%d bytes of the budget are still taken after the archiver has stopped", n)
	}
}

// run archives until stop is called, which returns what Run returned.
func (w *world) run(a *archive.Archiver) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		err := <-done
		w.settled(a)
		return err
	})
	w.t.Cleanup(func() { stop() })
	return stop
}

// catchUp runs an archiver until it has caught up.
func (w *world) catchUp(cfg archive.Config) {
	w.t.Helper()
	cfg.UntilCaughtUp = true
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	a := w.archiver(cfg)
	must(w.t, a.Run(ctx))
	must(w.t, ctx.Err())
	w.settled(a)
}

// Tails implements archive.Catalogue by names alone: nothing is forged here.
func (w *world) Tails(_ context.Context, p names.Partition) (cover.Tails, error) {
	var t cover.Tails
	for _, r := range w.regions {
		rt := cover.RegionTail{Name: r.name}
		for _, n := range r.ranges(p) {
			if rt.Next == 0 || n.Base <= rt.Next && n.Next > rt.Next {
				rt.Next, rt.Digest = n.Next, r.digest(n)
				t.Found = true
			}
		}
		if rt.Next > t.Next {
			t.Next, t.Digest = rt.Next, rt.Digest
		}
		t.Regions = append(t.Regions, rt)
	}
	for i := range t.Regions {
		t.Regions[i].Lacks = w.lacks(i, p)
	}
	return t, nil
}

// lacks are the objects of a partition that only the other region has.
func (w *world) lacks(region int, p names.Partition) (list []names.Range) {
	for _, n := range w.regions[1-region].ranges(p) {
		if w.regions[region].object(n.String()) == nil {
			list = append(list, n)
		}
	}
	return list
}

// Heal implements archive.Healer.
func (w *world) Heal(ctx context.Context, p names.Partition, region string, from archive.Tail) (archive.Tail, error) {
	to, other := w.regions[0], w.regions[1]
	if region == other.name {
		to, other = other, to
	}
	to.copyPages(other)
	for _, n := range other.ranges(p) {
		if n.Next <= from.Next {
			continue
		}
		body := other.object(n.String())
		if err := to.Ensure(ctx, n.String(), body, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)), time.Time{}); err != nil {
			return from, err
		}
		from = archive.Tail{Next: n.Next, Digest: other.digest(n)}
	}
	return from, nil
}

// produce writes records to a partition and waits for them.
func (w *world) produce(topic string, partition int32, n int, opts ...kgo.Opt) []*kgo.Record {
	w.t.Helper()
	c := w.client(append([]kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	var rs []*kgo.Record
	for i := range n {
		rs = append(rs, &kgo.Record{
			Topic: topic, Partition: partition, Key: fmt.Appendf(nil, "order-%d", i), Value: bytes.Repeat([]byte{byte(i)}, 100+i%50),
			Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte{byte(i)}}, {Key: "trace", Value: nil}},
		})
	}
	must(w.t, c.ProduceSync(context.Background(), rs...).FirstErr())
	c.Close()
	return rs
}

// transact writes records in one transaction and commits or aborts it.
func (w *world) transact(id, topic string, partition int32, n int, commit kgo.TransactionEndTry) {
	w.t.Helper()
	ctx := context.Background()
	c := w.client(kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(w.t, c.BeginTransaction())
	for i := range n {
		c.Produce(ctx, &kgo.Record{Topic: topic, Partition: partition, Key: []byte(id), Value: fmt.Appendf(nil, "%s-%d-%v", id, i, commit)}, nil)
	}
	must(w.t, c.Flush(ctx))
	must(w.t, c.EndTransaction(ctx, commit))
	c.Close()
}

// eventually polls until ok or twenty seconds are over.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("not in time: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// countdown tells done once n records have been sealed.
func (w *world) countdown(n int64, done chan<- struct{}) func(names.Range, archive.Reason, uint64, int, int, time.Duration) {
	var left atomic.Int64
	left.Store(n)
	return func(_ names.Range, _ archive.Reason, records uint64, _, _ int, _ time.Duration) {
		if left.Add(-int64(records)) == 0 {
			done <- struct{}{}
		}
	}
}

// committed returns the group's offset and metadata.
func (w *world) committed(topic string, partition int32) (int64, string) {
	w.t.Helper()
	o, err := w.admin.FetchOffsets(context.Background(), "tidemark")
	if errors.Is(err, kerr.GroupIDNotFound) {
		return -1, ""
	}
	must(w.t, err)
	r, ok := o.Lookup(topic, partition)
	if !ok {
		return -1, ""
	}
	return r.At, r.Metadata
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
