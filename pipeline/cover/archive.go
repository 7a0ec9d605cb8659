package cover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Archive reads an archive through its regions. It is safe for concurrent use.
type Archive struct {
	trust   *signed.Trust
	regions []Region
	options Options
	room    room // for what is fetched ahead
	spare   room // for what is fetched twice
	budgets budgets
	buffers buffers

	mu       sync.Mutex
	identity map[string]bool // regions whose archive.json was compared with the pins
}

// Options say how regions are read that are slow, silent or not what they
// should be. The zero value asks one region after the other, waits for each as
// long as its store does, and refuses an archive of which one region is
// another's: for those who write, or who judge each region.
type Options struct {
	// Hedge turns to another region before the first has failed, and asks a
	// region last that failed or was slow several times in a row.
	Hedge bool
	// Patience is how long a region that is listed may say nothing once another
	// has listed everything. Then it counts as one that does not answer. 0 has no
	// end.
	Patience time.Duration
	// Around leaves out a region that holds another archive, as if it did not
	// answer, while another region vouches for this one.
	Around bool
	// Changed is told when a region is asked last, is tried, or has its turn
	// again; keys and KMS of a region are spoken of as "a (keys)". It must not block, nor ask the archive. It may be nil.
	Changed func(region string, s State)
}

// New makes an archive of its regions, the nearest first: reading prefers them
// in this order. The trust holds what the configuration pins. Nothing is read
// yet.
func New(trust *signed.Trust, regions []Region) (*Archive, error) {
	return NewWith(trust, regions, Options{})
}

// NewWith is New for those who read what any region has.
func NewWith(trust *signed.Trust, regions []Region, o Options) (*Archive, error) {
	if len(regions) == 0 {
		return nil, errors.New("open archive: no region is given")
	}
	a := &Archive{
		trust: trust, options: o, room: room{free: aheadBytes}, spare: room{free: spareBytes},
		budgets: newBudgets(), identity: map[string]bool{},
	}
	for _, r := range regions {
		if _, err := a.region(r.Name); r.Name == "" || err == nil {
			return nil, fmt.Errorf("open archive: region name %q is empty or given twice", r.Name)
		}
		r.raw, r.health, r.keys = r.Objects, newHealth(r.Name, o.Changed), newHealth(r.Name+" (keys)", o.Changed)
		r.Objects, r.Secrets = watched{r.Objects, r.health}, watchedSecrets{r.Secrets, r.keys}
		a.regions = append(a.regions, r)
	}
	return a, nil
}

// Regions returns the names of the regions, the nearest first.
func (a *Archive) Regions() []string {
	out := make([]string, len(a.regions))
	for i, r := range a.regions {
		out[i] = r.Name
	}
	return out
}

func (a *Archive) region(name string) (*Region, error) {
	for i := range a.regions {
		if a.regions[i].Name == name {
			return &a.regions[i], nil
		}
	}
	return nil, fmt.Errorf("region %q is not one of the archive's", name)
}

// CheckIdentity compares archive.json in every region with what is pinned. A
// region that holds another archive is refused, whatever the others say; one
// that does not answer, has no archive.json yet, or one whose bytes its store
// calls damaged, is not. At least one must vouch. What was compared once is not
// read again.
//
// With Options.Around what is refused is only that region: nothing is taken from
// it, and nothing could be, for every object is signed for one archive.
func (a *Archive) CheckIdentity(ctx context.Context) error {
	_, err := a.everywhere(ctx, func(context.Context, *Region) (func(), error) { return nil, nil })
	return err
}

// judge says what it means that these regions did not vouch: the error of an
// archive that must not be read at all. Refused regions go into down.
func (a *Archive) judge(doubts []error, down map[string]error) error {
	vouched := slices.Contains(doubts, nil)
	for i, err := range doubts {
		if err == nil || slices.Contains(doubtful, kindOf(err)) {
			continue
		}
		if !a.options.Around || !vouched {
			return err
		}
		down[a.regions[i].Name] = err
	}
	if !vouched {
		return fmt.Errorf("check identity of archive %s: %w", a.trust.Archive(), errors.Join(doubts...))
	}
	return nil
}

// doubtful are the kinds of errors that say nothing about whose archive it is.
var doubtful = []Kind{KindAbsent, KindUnreachable, KindDamaged}

func (a *Archive) checkRegion(ctx context.Context, r *Region) error {
	a.mu.Lock()
	done := a.identity[r.Name]
	a.mu.Unlock()
	if done {
		return nil
	}
	file, err := r.Objects.Get(ctx, names.Archive)
	if err == nil {
		err = a.compareIdentity(file)
	}
	if err != nil {
		return &CopyError{Region: r.Name, Object: names.Archive, Err: err}
	}
	a.mu.Lock()
	a.identity[r.Name] = true
	a.mu.Unlock()
	return nil
}

// compareIdentity makes every file that is not the pinned archive's a forgery:
// one that cannot be parsed must not pass for a store that did not answer.
func (a *Archive) compareIdentity(file []byte) error {
	_, err := a.trust.CheckIdentity(file)
	if err != nil && !errors.Is(err, signed.ErrSignature) {
		return fmt.Errorf("%w: %w", err, signed.ErrSignature)
	}
	return err
}

// trusting runs open, and once more if it met a signer that was not introduced
// yet and some region has the signer's file. The object that is opened comes
// from region r: when that cannot say who the signer is, nothing is known about
// the object.
func (a *Archive) trusting(ctx context.Context, r *Region, open func() error) error {
	err := open()
	unknown := (*signed.UnknownSignerError)(nil)
	if !errors.As(err, &unknown) {
		return err
	}
	_, by, errs := first(ctx, question[struct{}]{
		archive: a, regions: a.from(r.Name), bytes: smallObject,
		ask: func(ctx context.Context, r *Region) (none struct{}, err error) {
			file, err := r.Objects.Get(ctx, names.Signer(unknown.Signer))
			if err == nil {
				err = a.introduce(file, unknown.Signer)
			}
			return none, err
		},
	})
	if by >= 0 {
		return open()
	}
	if own := errs[a.index(r.Name)]; own != nil && kindOf(own) == KindUnreachable {
		return fmt.Errorf("read signer %s: %w", unknown.Signer, own)
	}
	return err
}

// introduced reports whether the file makes a signer trusted.
func (a *Archive) introduced(file []byte, id names.SignerID) bool {
	return a.introduce(file, id) == nil
}

// introduce makes the signer of a file trusted, who must be this one.
func (a *Archive) introduce(file []byte, id names.SignerID) error {
	got, err := a.trust.Introduce(file)
	if err == nil && got != id {
		err = fmt.Errorf("it introduces %s: %w", got, signed.ErrSignature)
	}
	if err != nil && kindOf(err) == KindUnreachable {
		return damaged("%v", err)
	}
	return err
}

// index is that of a region, -1 if there is none of this name.
func (a *Archive) index(name string) int {
	return slices.IndexFunc(a.regions, func(r Region) bool { return r.Name == name })
}

// from returns the indexes of all regions, beginning with one.
func (a *Archive) from(name string) []int {
	out := []int{}
	for i, r := range a.regions {
		if r.Name == name {
			out = slices.Insert(out, 0, i)
		} else {
			out = append(out, i)
		}
	}
	return out
}
