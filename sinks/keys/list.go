package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// KEKStatus is how one key-encryption key stands.
type KEKStatus struct {
	ID names.KEKID
	// Created is when it was made, by the clock of its maker; zero if no
	// region's file could be read.
	Created time.Time
	// Regions holds one entry for each region, in the order given to List.
	Regions []KEKRegion
}

// KEKRegion is how a key-encryption key stands in one region.
type KEKRegion struct {
	Region string
	// KMS is what wrapped it, as its file says.
	KMS string
	// Err is nil if the file is there, genuine, and opened by the region's KMS
	// just now. Else see Ring.Secret.
	Err error
}

// List returns the KEKs of all regions, the newest first, and asks each
// region's KMS to open every one. It needs no signing key. The error says
// which regions could not be listed; the list is then of the others.
func List(ctx context.Context, trust *signed.Trust, regions []Region) ([]KEKStatus, error) {
	var errs []error
	known := map[names.KEKID]bool{}
	for i := range regions {
		for id, err := range regions[i].listKEKs(ctx) {
			if err != nil {
				errs = append(errs, err)
				break
			}
			known[id] = true
		}
	}
	list := make([]KEKStatus, 0, len(known))
	for id := range known {
		list = append(list, status(ctx, trust, regions, id))
	}
	slices.SortFunc(list, func(a, b KEKStatus) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.ID.String(), b.ID.String()))
	})
	return list, errors.Join(errs...)
}

func status(ctx context.Context, trust *signed.Trust, regions []Region, id names.KEKID) KEKStatus {
	s := KEKStatus{ID: id}
	for i := range regions {
		here := KEKRegion{Region: regions[i].Name}
		doc, err := regions[i].readKEK(ctx, trust, id)
		if err == nil {
			s.Created, here.KMS = doc.Created, doc.KMS
			var k *kek
			if k, err = regions[i].openKEK(ctx, doc); err == nil {
				clear(k.key[:])
			}
		}
		here.Err = err
		s.Regions = append(s.Regions, here)
	}
	return s
}

// listKEKs yields the ids of the region's KEK files. Names that are no KEK's
// are passed over: they open nothing.
func (r *Region) listKEKs(ctx context.Context) iter.Seq2[names.KEKID, error] {
	return func(yield func(names.KEKID, error) bool) {
		n := 0
		for info, err := range r.Store.List(ctx, names.KEKs, "") {
			if err != nil {
				yield(names.KEKID{}, fmt.Errorf("list KEKs of region %s: %w", r.Name, err))
				return
			}
			id, ok := parseKEKName(info.Key)
			if !ok {
				continue
			}
			if n++; n > maxKEKs {
				yield(id, fmt.Errorf("list KEKs of region %s: above %d: %w", r.Name, maxKEKs, fs.ErrInvalid))
				return
			}
			if !yield(id, nil) {
				return
			}
		}
	}
}

func parseKEKName(name string) (id names.KEKID, ok bool) {
	text, _ := strings.CutPrefix(name, names.KEKs)
	text, _ = strings.CutSuffix(text, ".json")
	err := id.UnmarshalText([]byte(text))
	return id, err == nil && names.KEK(id) == name
}
