// Package archive reads Kafka topics as a consumer group and keeps them in two
// regions.
//
// The way of a batch:
//
//	fetcher ──chunk──▶ partition ──segment──▶ store ──▶ regions A ∥ B ──▶ commit
//	(a loop per broker)   (a sealer and a storer each)
//
// The group protocol is franz-go's and decides only which partitions are ours.
// The data comes by raw fetch on clients of its own, batch by batch as the
// broker sent it (fetch.go, deliver.go). A partition's sealer copies batches
// into a segment until it is full, old, or in the way (seal.go); its storer
// takes segments one by one through the durability order (store.go). Where to
// start is read off the regions, never off the group (start.go).
//
// One memory budget holds for everything (budget.go): when it is spent,
// fetching waits and the largest open segments are closed. A region that does
// not answer falls behind and is healed later (healing.go).
//
// pipeline/DESIGN.md tells who owns what, and what ends when.
package archive

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Parts are what an archiver works with.
type Parts struct {
	Archive   names.ArchiveID
	Signer    *signed.Signer
	Regions   []Region
	Secrets   Secrets
	Catalogue Catalogue
	Healer    Healer
	// TopicConfigs tells which topic settings were kept; nil keeps none.
	TopicConfigs TopicConfigs
	// Index may be nil.
	Index Index
	Hooks Hooks
	Log   *slog.Logger
}

// Archiver is one member of the group. Make it with New, and call Run once.
type Archiver struct {
	cfg       Config
	archive   names.ArchiveID
	writer    [16]byte
	signer    *signed.Signer
	regions   []Region
	secrets   Secrets
	catalogue Catalogue
	healer    Healer
	configs   TopicConfigs
	index     Index
	hooks     Hooks
	log       *slog.Logger

	// Set by Run.
	ctx      context.Context // ends when nothing more is to be stored
	group    *kgo.Client
	topology *topology
	fetcher  *fetcher
	offsets  *offsets
	commits  commits
	budget   *budget
	buffers  buffers
	pool     *segment.Pool
	cores    cores
	healing  healing
	// described asks for a look at the topics' settings.
	described chan struct{}
	starts    chan struct{} // bounds partitions that look for their tails
	running   sync.WaitGroup

	mu       sync.Mutex
	parts    map[Key]*partition
	witness  map[Key]int64 // offsets that the group had committed
	assigned time.Time     // last change of the assignment, zero before the first
	stopping bool
	left     map[Key]Standing // what was ours when we stopped
}

// New makes an archiver. It starts nothing.
func New(cfg Config, parts Parts) *Archiver {
	a := &Archiver{
		cfg: cfg, archive: parts.Archive, signer: parts.Signer, regions: parts.Regions, secrets: parts.Secrets,
		catalogue: parts.Catalogue, healer: parts.Healer, configs: parts.TopicConfigs, index: parts.Index, hooks: parts.Hooks, log: parts.Log,
		parts: map[Key]*partition{}, witness: map[Key]int64{}, left: map[Key]Standing{},
		starts: make(chan struct{}, startsAtOnce), healing: healing{kick: make(chan struct{}, 1)}, described: make(chan struct{}, 1),
		buffers: buffers{most: int(cfg.Memory / keptShare)},
	}
	rand.Read(a.writer[:])
	return a
}

// Run archives until ctx ends, or until caught up where the configuration
// says so. When it returns nil, everything that was fetched is stored in every
// region and committed, and the group has been left. An error says what was
// left for the next owner: nothing is lost by it.
func (a *Archiver) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer a.running.Wait()
	defer stop()
	if err := a.open(work); err != nil {
		return err
	}
	defer a.topology.client.Close()
	a.spawn(a.topology.run)
	a.spawn(a.commits.run)
	a.spawn(a.runHealing)
	if a.configs != nil {
		a.spawn(a.runSettings)
	}
	if err := a.join(); err != nil {
		return err
	}
	a.await(ctx)
	return a.leave()
}

// open makes what the partitions share.
func (a *Archiver) open(work context.Context) error {
	a.ctx = work
	client, err := kgo.NewClient(a.cfg.Client...)
	if err != nil {
		return fmt.Errorf("open metadata client: %w", err)
	}
	a.pool = segment.NewPool()
	a.cores = make(cores, runtime.GOMAXPROCS(0))
	a.budget = newBudget(a.cfg.Memory, a.relieve, a.hooks.memory)
	a.topology = newTopology(client, a.topics, a.onTopology)
	a.offsets = &offsets{client: client, leader: a.topology.leader}
	a.fetcher = &fetcher{
		cfg: &a.cfg, log: a.log, budget: a.budget, topology: a.topology, offsets: a.offsets,
		cursors: map[Key]*cursor{}, brokers: map[int32]*broker{}, start: a.spawn,
	}
	a.commits = commits{log: a.log, commit: a.commitSync, turn: make(chan struct{}, 1), dirty: map[*partition]bool{}, last: map[Key]int64{}}
	return nil
}

// spawn runs a loop that ends with the archiver's work.
func (a *Archiver) spawn(run func(context.Context)) {
	a.running.Go(func() { run(a.ctx) })
}

// leave stops in the order that loses nothing: no more fetches, then store,
// then commit, and only then leave the group, so that nobody else starts on
// our partitions before.
func (a *Archiver) leave() error {
	a.mu.Lock()
	a.stopping = true
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(a.ctx, a.cfg.Grace)
	defer cancel()
	err := a.giveUp(ctx, a.all(), true)
	a.group.Close()
	return err
}

// start begins with a partition that was assigned to us.
func (a *Archiver) start(k Key) {
	a.mu.Lock()
	if a.stopping || a.parts[k] != nil {
		a.mu.Unlock()
		return
	}
	p := newPartition(a, k)
	a.parts[k] = p
	a.mu.Unlock()
	a.hooks.owned(k, true)
	a.running.Go(p.run)
}

// delete forgets a partition that has ended.
func (a *Archiver) delete(p *partition) {
	a.commits.forget(p)
	a.mu.Lock()
	ours := a.parts[p.key] == p
	if ours {
		delete(a.parts, p.key)
		if s, ok := p.standing(); ok && a.stopping {
			a.left[p.key] = s
		}
	}
	a.mu.Unlock()
	if ours {
		p.hush()
		a.hooks.owned(p.key, false)
	}
}

func (a *Archiver) touch() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.assigned = time.Now()
}

// part returns those of the partitions that we have, and sees to it that
// nothing takes their place any more.
func (a *Archiver) part(keys []Key) []*partition {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ps []*partition
	for _, k := range keys {
		if p := a.parts[k]; p != nil {
			p.givenUp = true
			ps = append(ps, p)
		}
	}
	return ps
}

// count is how many partitions are ours.
func (a *Archiver) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.parts)
}

func (a *Archiver) all() []*partition {
	a.mu.Lock()
	defer a.mu.Unlock()
	ps := make([]*partition, 0, len(a.parts))
	for _, p := range a.parts {
		ps = append(ps, p)
	}
	return ps
}

// topics lists the topics of our partitions.
func (a *Archiver) topics() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := map[string]bool{}
	var list []string
	for k := range a.parts {
		if !seen[k.Topic] {
			seen[k.Topic] = true
			list = append(list, k.Topic)
		}
	}
	slices.Sort(list)
	return list
}

// relieve closes the largest open segments until about need bytes are on their
// way to the stores.
func (a *Archiver) relieve(need int64) {
	type open struct {
		p    *partition
		held int64
	}
	var list []open
	for _, p := range a.all() {
		if held := p.held.Load(); held > 0 {
			list = append(list, open{p, held})
		}
	}
	slices.SortFunc(list, func(x, y open) int { return cmp.Compare(y.held, x.held) })
	for _, o := range list {
		if need <= 0 {
			return
		}
		select {
		case o.p.press <- struct{}{}:
		default: // asked already
		}
		need -= o.held
	}
}

// onTopology follows leaders, and topics that began a new life.
func (a *Archiver) onTopology() {
	a.fetcher.place()
	for _, p := range a.all() {
		if !p.began.Load() {
			continue // begin sees to it
		}
		id, _, err := a.topology.leader(p.key)
		p.miss(err)
		if err == nil && id != p.name.Lineage.Topic && p.renewing.CompareAndSwap(false, true) {
			a.running.Go(func() { a.renew(p) })
		}
	}
}

// renew ends one life of a partition and begins the next: its topic was
// deleted and made again under the same name.
func (a *Archiver) renew(p *partition) {
	p.log.Warn("topic was made again; a new lineage begins", "old", p.name.Lineage.String())
	ctx, cancel := context.WithTimeout(a.ctx, a.cfg.Grace)
	defer cancel()
	p.release()
	p.await(ctx)
	a.replace(p)
}

// replace begins anew with a partition that has ended, unless it is given up.
func (a *Archiver) replace(old *partition) {
	a.mu.Lock()
	if a.stopping || old.givenUp || a.parts[old.key] != old {
		a.mu.Unlock()
		return
	}
	p := newPartition(a, old.key)
	a.parts[p.key] = p
	a.mu.Unlock()
	a.commits.forget(old)
	old.hush()
	a.running.Go(p.run)
}

// commitSync goes through the group's client as it is at the time of the call.
func (a *Archiver) commitSync(ctx context.Context, offsets map[string]map[int32]kgo.EpochOffset, done onCommit) {
	a.group.CommitOffsetsSync(ctx, offsets, done)
}
