package archive_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
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
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
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
		if err := to.Ensure(ctx, n.String(), other.object(n.String()), time.Time{}); err != nil {
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

// consume reads a partition with franz-go's own consumer, read committed, from
// the log's start to its end: the oracle.
func (w *world) consume(topic string, partition int32) []string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ends, err := w.admin.ListCommittedOffsets(ctx, topic)
	must(w.t, err)
	end, _ := ends.Lookup(topic, partition)
	c := w.client(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
	defer c.Close()
	var out []string
	for at := int64(0); at < end.Offset; {
		fs := c.PollFetches(ctx)
		must(w.t, fs.Err())
		fs.EachRecord(func(r *kgo.Record) {
			at = r.Offset + 1
			if !r.Attrs.IsControl() {
				out = append(out, describe(r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, headers(r.Headers)))
			}
		})
	}
	return out
}

func headers(hs []kgo.RecordHeader) (out []recordbatch.RecordHeader) {
	for _, h := range hs {
		out = append(out, recordbatch.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return out
}

func describe(offset, at int64, key, value []byte, hs []recordbatch.RecordHeader) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d %q/%t %q/%t", offset, at, key, key == nil, value, value == nil)
	for _, h := range hs {
		fmt.Fprintf(&b, " %s=%q/%t", h.Key, h.Value, h.Value == nil)
	}
	return b.String()
}

// archived reads a partition out of one region: every offset once, whatever
// overlaps.
func (w *world) archived(region int, topic string, partition int32) []string {
	w.t.Helper()
	r := w.regions[region]
	seen := map[int64]string{}
	d := recordbatch.NewDecoder(0)
	for _, n := range r.allRanges() {
		if n.Partition.Topic != topic || n.Partition.Number != partition || n.Kind != names.KindSegment {
			continue
		}
		for _, batch := range w.open(r, n) {
			for rec, err := range d.Records(batch.Bytes) {
				must(w.t, err)
				if batch.IsControl() || rec.Offset < n.Base {
					continue
				}
				text := describe(rec.Offset, rec.Timestamp, rec.Key, rec.Value, rec.Headers)
				if old, ok := seen[rec.Offset]; ok && old != text {
					w.t.Fatalf("offset %d: two contents:\n%s\n%s", rec.Offset, old, text)
				}
				seen[rec.Offset] = text
			}
		}
	}
	return inOrder(seen)
}

func inOrder(seen map[int64]string) []string {
	var offsets []int64
	for o := range seen {
		offsets = append(offsets, o)
	}
	slices.Sort(offsets)
	var out []string
	for _, o := range offsets {
		out = append(out, seen[o])
	}
	return out
}

func (w *world) open(r *memoryRegion, n names.Range) []recordbatch.Batch {
	w.t.Helper()
	data := r.object(n.String())
	seg, err := segment.Open(bytes.NewReader(data), int64(len(data)), w.trust)
	must(w.t, err)
	must(w.t, seg.CheckName(n.String()))
	if !r.hasPage(seg.Header().Page) {
		w.t.Errorf("region %s: %s is there before its key page", r.name, n)
	}
	secret := w.secrets.get(seg.Header().Page, seg.Header().Slot)
	var out []recordbatch.Batch
	for i := range seg.Footer().Blocks {
		body, err := seg.Block(i, secret, nil)
		must(w.t, err)
		for b, err := range recordbatch.All(body) {
			must(w.t, err)
			out = append(out, b)
		}
	}
	return out
}

// same fails unless both regions hold exactly what a read_committed consumer
// reads.
func (w *world) same(topic string, partitions int32) {
	w.t.Helper()
	for p := range partitions {
		want := w.consume(topic, p)
		for i := range w.regions {
			got := w.archived(i, topic, p)
			if !slices.Equal(got, want) {
				w.t.Errorf("region %s, %s/%d: %d records, want %d; first difference at %d", w.regions[i].name, topic, p, len(got), len(want), firstDifference(got, want))
			}
		}
	}
}

func firstDifference(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
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

// slot is where a secret is.
type slot struct {
	page names.PageID
	n    uint16
}

// secretBook hands out secrets, eight to a page, and remembers them.
type secretBook struct {
	mu    sync.Mutex
	page  names.PageID
	n     uint16
	known map[slot]block.Secret
}

func (b *secretBook) Next() (names.PageID, uint16, block.Secret, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n%8 == 0 {
		rand.Read(b.page[:])
		b.n = 0
	}
	var s block.Secret
	rand.Read(s[:])
	at := slot{b.page, b.n}
	b.known[at] = s
	b.n++
	return at.page, at.n, s, nil
}

func (b *secretBook) get(page names.PageID, n uint16) block.Secret {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[slot{page, n}]
}

// memoryRegion is one region that can be made to fail.
type memoryRegion struct {
	name string

	mu      sync.Mutex
	objects map[string][]byte
	pages   map[names.PageID]bool
	fail    func(name string) error // asked before every write; nil for none
	after   func(name string) error // asked after a write has been applied
}

func newMemoryRegion(name string) *memoryRegion {
	return &memoryRegion{name: name, objects: map[string][]byte{}, pages: map[names.PageID]bool{}}
}

func (r *memoryRegion) Name() string { return r.name }

func (r *memoryRegion) EnsurePage(_ context.Context, page names.PageID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		if err := r.fail(names.Page(page)); err != nil {
			return err
		}
	}
	r.pages[page] = true
	return nil
}

func (r *memoryRegion) Ensure(_ context.Context, name string, body []byte, _ time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		if err := r.fail(name); err != nil {
			return err
		}
	}
	if old, ok := r.objects[name]; ok && !bytes.Equal(old, body) {
		return fmt.Errorf("%s: other bytes: %w", name, fs.ErrExist)
	}
	r.objects[name] = bytes.Clone(body)
	if r.after != nil {
		return r.after(name)
	}
	return nil
}

func (r *memoryRegion) set(fail func(name string) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

var errAway = errors.New("region is away")

func away(string) error { return errAway }

func (r *memoryRegion) object(name string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.objects[name]
}

func (r *memoryRegion) hasPage(p names.PageID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pages[p]
}

// copyPages takes over the key pages of another region, while this one is
// there.
func (r *memoryRegion) copyPages(other *memoryRegion) {
	other.mu.Lock()
	pages := slices.Collect(maps.Keys(other.pages))
	other.mu.Unlock()
	for _, p := range pages {
		if r.EnsurePage(context.Background(), p) != nil {
			return
		}
	}
}

func (r *memoryRegion) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for n := range r.objects {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

func (r *memoryRegion) allRanges() (out []names.Range) {
	for _, n := range r.names() {
		parsed, err := names.ParseRange(n)
		if err != nil {
			panic(err)
		}
		out = append(out, parsed)
	}
	return out
}

func (r *memoryRegion) ranges(p names.Partition) (out []names.Range) {
	for _, n := range r.allRanges() {
		if n.Partition == p {
			out = append(out, n)
		}
	}
	return out
}

// digest stands in for the full digest of an object: its short one.
func (r *memoryRegion) digest(n names.Range) (d names.Digest) {
	copy(d[:], n.Digest[:])
	return d
}

// put stores an object as another archiver would.
func (r *memoryRegion) put(name string, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[name] = body
}
