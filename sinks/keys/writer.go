package keys

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// ErrClosed is what a closed Writer answers.
var ErrClosed = errors.New("key writer is closed")

// Options are the choices of a Writer; the zero value is a good one.
type Options struct {
	// Slots is how many secrets a page holds, 1 to MaxSlots; 0 is DefaultSlots.
	Slots int
	// KEKAge is how long one KEK wraps new pages; 0 is DefaultKEKAge.
	KEKAge time.Duration
	// Now tells the time; nil is time.Now. A wrong clock only makes KEKs too
	// early or too late.
	Now func() time.Time
	// Logger hears of KEKs made, taken and passed over; nil is silence.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Slots == 0 {
		o.Slots = DefaultSlots
	}
	if o.KEKAge == 0 {
		o.KEKAge = DefaultKEKAge
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Writer hands out the secrets of new segments and makes their key pages
// durable. There is one for each process; it starts no goroutine that
// outlives a call and does no I/O before the first Ensure. It is safe for
// concurrent use.
type Writer struct {
	signer  *signed.Signer
	trust   *signed.Trust
	regions []Region
	rings   []*Ring
	opts    Options

	choosing gate   // one search for a KEK at a time
	wrapping []gate // by region: one KEK file at a time

	mu       sync.Mutex
	closed   bool
	filling  *page // nil if the next slot begins a page
	pages    map[names.PageID]*page
	order    []names.PageID // of pages, oldest first
	finished []names.PageID // durable everywhere, oldest first
	current  *kek
	searched time.Time              // when current was last looked for
	held     []map[names.KEKID]bool // by region: KEK files known to be there and to open
}

// page is a page of this process. Its fields belong to Writer.mu.
type page struct {
	id      names.PageID
	secrets []block.Secret // a slot is wiped once it is handed out and sealed
	next    int            // the first slot not handed out
	kek     *kek           // nil before sealing
	file    []byte         // the same bytes for all regions; nil before sealing
	durable []bool         // by region
	gates   []gate         // by region: one PUT at a time
}

// NewWriter makes a writer that signs as the archive role, and whose own
// signature trust must accept: a page that no reader believes is a lost page.
func NewWriter(signer *signed.Signer, trust *signed.Trust, regions []Region, opts Options) (*Writer, error) {
	opts = opts.withDefaults()
	if err := check(signer, trust, regions, opts); err != nil {
		return nil, fmt.Errorf("make key writer: %w", err)
	}
	w := &Writer{
		signer: signer, trust: trust, regions: regions, opts: opts,
		choosing: newGate(), wrapping: newGates(len(regions)), pages: map[names.PageID]*page{},
	}
	for _, r := range regions {
		w.rings = append(w.rings, NewRing(r, trust))
		w.held = append(w.held, map[names.KEKID]bool{})
	}
	return w, nil
}

func check(signer *signed.Signer, trust *signed.Trust, regions []Region, opts Options) error {
	if opts.Slots < 1 || opts.Slots > MaxSlots {
		return fmt.Errorf("%d slots: want 1 to %d", opts.Slots, MaxSlots)
	}
	if opts.KEKAge < 0 {
		return fmt.Errorf("KEK age %s is below 0", opts.KEKAge)
	}
	if len(regions) == 0 {
		return errors.New("no region")
	}
	seen := map[string]bool{}
	for _, r := range regions {
		if seen[r.Name] {
			return fmt.Errorf("two regions are called %q", r.Name)
		}
		seen[r.Name] = true
	}
	probe := signer.Sign(signed.KindPage, nil)
	return trust.Verify(signed.RoleArchive, signer.ID(), signed.KindPage, nil, probe)
}

// Format prints a name, whatever the verb.
func (w *Writer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "key writer") }

// LogValue prints a name in logs.
func (w *Writer) LogValue() slog.Value { return slog.StringValue("key writer") }

// Next hands out a slot that nobody had before, from memory. Its page is in
// no region yet: Ensure it there before the segment. The error is ErrClosed.
func (w *Writer) Next() (names.PageID, uint16, block.Secret, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return names.PageID{}, 0, block.Secret{}, ErrClosed
	}
	if w.filling == nil {
		w.filling = w.newPage()
	}
	p := w.filling
	slot, secret := p.take()
	if p.usedUp() {
		w.filling = nil
		w.settle(p)
	}
	return p.id, slot, secret, nil
}

// newPage makes a page of random secrets. mu is held.
func (w *Writer) newPage() *page {
	n := len(w.regions)
	p := &page{secrets: make([]block.Secret, w.opts.Slots), durable: make([]bool, n), gates: newGates(n)}
	_, _ = rand.Read(p.id[:])
	for i := range p.secrets {
		_, _ = rand.Read(p.secrets[i][:])
	}
	w.pages[p.id] = p
	w.order = append(w.order, p.id)
	return p
}

// Format prints the id, whatever the verb.
func (p *page) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "key page "+p.id.String()) }

func (p *page) usedUp() bool { return p.next == len(p.secrets) }

func (p *page) take() (uint16, block.Secret) {
	slot := p.next
	secret := p.secrets[slot]
	p.next++
	if p.file != nil {
		clear(p.secrets[slot : slot+1])
	}
	return uint16(slot), secret
}

// seal makes the page's file. After it the slots already handed out are
// wiped. mu is held.
func (p *page) seal(archive names.ArchiveID, signer *signed.Signer, k *kek) error {
	doc := pageFile{Archive: archive, Page: p.id, Generation: firstGeneration, KEK: k.id}
	if err := doc.wrap(&k.key, p.secrets); err != nil {
		return fmt.Errorf("wrap key page %s: %w", p.id, err)
	}
	if err := doc.validate(archive, p.id); err != nil {
		return fmt.Errorf("wrap key page %s: %w", p.id, err)
	}
	file, err := signer.Seal(signed.KindPage, &doc)
	if err != nil {
		return err
	}
	p.file, p.kek = file, k
	clear(p.secrets[:p.next])
	return nil
}

// Close wipes all secrets in memory. Slots already handed out whose page is
// in no region are lost, with whatever was sealed by them; store first.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, p := range w.pages {
		clear(p.secrets)
	}
	w.pages, w.order, w.filling, w.current = map[names.PageID]*page{}, nil, nil, nil
	for _, r := range w.rings {
		_ = r.Close() // only wipes memory
	}
	return nil
}
