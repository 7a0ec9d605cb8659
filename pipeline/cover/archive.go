package cover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Archive reads an archive through its regions. It is safe for concurrent use.
type Archive struct {
	trust   *signed.Trust
	regions []Region
	room    room
	buffers buffers

	mu       sync.Mutex
	identity map[string]bool // regions whose archive.json was compared with the pins
}

// New makes an archive of its regions, the nearest first: reading prefers them
// in this order. The trust holds what the configuration pins. Nothing is read
// yet.
func New(trust *signed.Trust, regions []Region) (*Archive, error) {
	if len(regions) == 0 {
		return nil, errors.New("open archive: no region is given")
	}
	seen := map[string]bool{}
	for _, r := range regions {
		if r.Name == "" || seen[r.Name] {
			return nil, fmt.Errorf("open archive: region name %q is empty or given twice", r.Name)
		}
		seen[r.Name] = true
	}
	return &Archive{trust: trust, regions: regions, room: room{free: aheadBytes}, identity: map[string]bool{}}, nil
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
func (a *Archive) CheckIdentity(ctx context.Context) error {
	var doubts []error
	vouched := false
	for i := range a.regions {
		err := a.checkRegion(ctx, &a.regions[i])
		if err != nil && !slices.Contains(doubtful, kindOf(err)) {
			return err
		}
		vouched = vouched || err == nil
		doubts = append(doubts, err)
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
	var own error
	for i := range a.regions {
		from := &a.regions[i]
		file, get := from.Objects.Get(ctx, names.Signer(unknown.Signer))
		if get == nil && a.introduced(file, unknown.Signer) {
			return open()
		}
		if from.Name == r.Name && get != nil && !errors.Is(get, fs.ErrNotExist) {
			own = fmt.Errorf("read signer %s: %w", unknown.Signer, get)
		}
	}
	if own != nil {
		return own
	}
	return err
}

// introduced reports whether the file makes a signer trusted.
func (a *Archive) introduced(file []byte, id names.SignerID) bool {
	got, err := a.trust.Introduce(file)
	return err == nil && got == id
}
