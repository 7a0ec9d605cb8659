package wire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/sinks/keys"
	"github.com/tidemark-io/tidemark/sinks/keys/kms"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

// Archive is an archive as a configuration describes it, opened: both regions,
// whom to trust, and the reader over them.
type Archive struct {
	Config   *config.Config
	Trust    *signed.Trust
	Regions  []*Region
	Cover    *cover.Archive
	Registry *prometheus.Registry
	Log      *slog.Logger
	mode     Mode
}

// Mode says what the stores are opened for.
type Mode int

// The modes.
const (
	// ForReading keeps what was read in a cache in front of the stores.
	ForReading Mode = iota
	// ForProof reads every byte from the stores themselves.
	ForProof
	// ForWriting has no cache either: nobody reads twice.
	ForWriting
	// ForBulk is for writing objects of gigabytes.
	ForBulk
)

// readCache is the size of the cache in front of each region, in bytes: enough
// for the tails of some thousand segments, or for the blocks of one search.
const readCache = 64 << 20

// Open opens both regions. It asks them nothing: one of them may be down.
func Open(ctx context.Context, cfg *config.Config, log *slog.Logger, mode Mode) (*Archive, error) {
	trust, err := Trust(cfg)
	if err != nil {
		return nil, err
	}
	a := &Archive{Config: cfg, Trust: trust, Registry: NewRegistry(), Log: log, mode: mode}
	observer, err := objects.NewPrometheus(a.Registry)
	if err != nil {
		return nil, fmt.Errorf("register store metrics: %w", err)
	}
	var readers []cover.Region
	for i := range cfg.Regions {
		r, err := openRegion(ctx, cfg, i, trust, observer, mode)
		if err != nil {
			a.Close()
			return nil, fmt.Errorf("open region %s: %w", cfg.Regions[i].Name, err)
		}
		a.Regions = append(a.Regions, r)
		readers = append(readers, r.Cover())
	}
	if a.Cover, err = cover.NewWith(trust, readers, a.reading()); err != nil {
		a.Close()
		return nil, err
	}
	a.Registry.MustRegister(regionUse{a.Cover})
	return a, nil
}

// Close gives up what the archive holds open, and wipes its keys.
func (a *Archive) Close() error {
	var errs []error
	for _, r := range a.Regions {
		errs = append(errs, r.Ring.Close(), r.Data.Close(), r.Keys.Close(), r.closeKMS())
	}
	return errors.Join(errs...)
}

func openRegion(ctx context.Context, cfg *config.Config, i int, trust *signed.Trust, observer objects.Observer, mode Mode) (*Region, error) {
	rc := &cfg.Regions[i]
	o := patience(mode)
	o.Credentials, o.Observer = credentials(rc.Credentials), observer
	data, err := openPlace(ctx, rc, rc.URL, o)
	if err != nil {
		return nil, err
	}
	o.Cache.Bytes = 0 // a key page that was deleted must not live on here
	place, err := openPlace(ctx, rc, rc.KeysURL, o)
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	keeper, err := kms.OpenKeeper(ctx, rc.KMS.String())
	if err != nil {
		return nil, errors.Join(keyMistake(i, rc, err), data.Close(), place.Close())
	}
	r := &Region{Name: rc.Name, Data: data, Keys: place, lock: lockMode(cfg.Retention.Mode), closeKMS: keeper.Close}
	r.Key = keys.Region{Name: rc.Name, Store: keyPlace{place}, Keeper: keeper, KMS: rc.KMS.String()}
	r.Ring = keys.NewRing(r.Key, trust)
	return r, nil
}

// bulkTimeout bounds one call where objects are large: 4 GiB need 38 Mbit/s to
// pass in it.
const bulkTimeout = 15 * time.Minute

// patience is how long each mode waits for a store. An archiver waits: what it
// holds has to go to this very region. A reader has another region, and a person
// in front of it: two failures are enough, and the breaker remembers the region
// as down. A proof is in between, since what it cannot see it cannot prove.
//
// Only what stands still is given up soon: a slow line may bring a segment in a
// minute and is no reason to go elsewhere.
func patience(mode Mode) objects.Options {
	switch mode {
	case ForReading:
		return objects.Options{
			Cache:   objects.CacheOptions{Bytes: readCache},
			Timeout: 2 * time.Minute,
			Stall:   4 * time.Second,
			Retry:   objects.RetryOptions{Budget: 5 * time.Second, GiveUpOpen: true},
			Breaker: objects.BreakerOptions{Failures: 2},
		}
	case ForProof:
		return objects.Options{
			Timeout: 2 * time.Minute,
			Stall:   15 * time.Second,
			Retry:   objects.RetryOptions{Budget: 15 * time.Second, GiveUpOpen: true},
		}
	case ForBulk:
		return objects.Options{Timeout: bulkTimeout, Retry: objects.RetryOptions{GiveUpOpen: true}}
	}
	return objects.Options{}
}

// keyMistake makes a key file that cannot be opened a mistake of the
// configuration. What a service answers may be another time.
func keyMistake(i int, rc *config.Region, err error) error {
	if rc.KMS.LocalFile() == "" {
		return err
	}
	return &config.Error{Key: fmt.Sprintf("regions[%d].kms", i), Err: err}
}

// openPlace opens one bucket or directory. A bucket's CA file belongs to the
// region, not to its address.
func openPlace(ctx context.Context, rc *config.Region, p config.Place, o objects.Options) (objects.Store, error) {
	if s3, ok := p.S3(); ok {
		s3.CAFile, s3.Credentials = rc.CAFile, o.Credentials
		store, err := objects.OpenS3(s3)
		if err != nil {
			return nil, err
		}
		return objects.Stack(store, o), nil
	}
	store, err := objects.Open(ctx, p.String(), o)
	if errors.Is(err, fs.ErrNotExist) {
		// A directory that is not mounted is a region that is down.
		again := func() (objects.Store, error) { return objects.Open(context.WithoutCancel(ctx), p.String(), o) }
		store, err = objects.Late(p.String(), again), nil
	}
	if err != nil {
		return nil, err
	}
	return objects.Stack(store, o), nil
}

func credentials(c config.Credentials) objects.Credentials {
	source := map[config.CredentialSource]objects.CredentialSource{
		config.SourceAuto:        objects.CredentialsAuto,
		config.SourceStatic:      objects.CredentialsStatic,
		config.SourceEnvironment: objects.CredentialsEnvironment,
		config.SourceIAM:         objects.CredentialsRole,
		config.SourceWebIdentity: objects.CredentialsWebIdentity,
	}[c.Source]
	return objects.Credentials{
		Source: source, AccessKey: c.AccessKey, SecretKey: c.SecretKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
		RoleARN: c.RoleARN, TokenFile: c.TokenFile, STSEndpoint: c.STSEndpoint,
	}
}

func lockMode(m config.RetentionMode) objects.LockMode {
	switch m {
	case config.RetentionGovernance:
		return objects.LockGovernance
	case config.RetentionCompliance:
		return objects.LockCompliance
	}
	return objects.LockNone
}
