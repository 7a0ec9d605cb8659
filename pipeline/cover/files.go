package cover

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// File is one of the small signed files beside the partitions: archive.json,
// a signer, the settings of a topic, a page of a partition's catalogue, a
// document outside the topics.
type File struct {
	Name string
	// Places are the regions that list it, the nearest first.
	Places []Place
}

// Files lists the small signed files of an archive: its own, and those of the
// given partitions and their lineages. They are sorted by name.
func (a *Archive) Files(ctx context.Context, of []names.Partition) ([]File, map[string]error, error) {
	prefixes := map[string]bool{names.Archive: true, names.Signers: true}
	for _, f := range names.Folders() {
		prefixes[f.Prefix()] = true
	}
	for _, p := range of {
		prefixes[names.TopicConfigPrefix(p.Topic, p.Lineage)] = true
		prefixes[names.CataloguePrefix(p)] = true
	}
	found, down, err := a.filesUnder(ctx, slices.Sorted(maps.Keys(prefixes))...)
	if err != nil {
		return nil, nil, fmt.Errorf("list files: %w", err)
	}
	var out []File
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[name])
	}
	return out, down, nil
}

// filesUnder lists whole folders in all regions.
func (a *Archive) filesUnder(ctx context.Context, prefixes ...string) (found map[string]*File, down map[string]error, err error) {
	return a.filesIn(ctx, func(ctx context.Context, r *Region, add func(object.Info)) error {
		for _, prefix := range prefixes {
			for info, err := range r.Objects.List(ctx, prefix, "") {
				if err != nil {
					return err
				}
				add(info)
			}
		}
		return nil
	})
}

// filesIn merges what a listing adds in each region.
func (a *Archive) filesIn(ctx context.Context, list func(ctx context.Context, r *Region, add func(object.Info)) error) (found map[string]*File, down map[string]error, err error) {
	found = map[string]*File{}
	down, err = a.everywhere(ctx, func(ctx context.Context, r *Region) (func(), error) {
		var here []object.Info
		err := list(ctx, r, func(info object.Info) { here = append(here, info) })
		return func() {
			for _, info := range here {
				addFile(found, r, info)
			}
		}, err
	})
	return found, down, err
}

func addFile(found map[string]*File, r *Region, info object.Info) {
	f := found[info.Key]
	if f == nil {
		f = &File{Name: info.Key}
		found[info.Key] = f
	}
	f.Places = append(f.Places, Place{Region: r.Name, Info: info})
}

// ReadFile returns a small signed file from a region, if it is genuine and
// under its own name. Every error is a *CopyError.
func (a *Archive) ReadFile(ctx context.Context, region, name string) ([]byte, error) {
	r, err := a.region(region)
	if err != nil {
		return nil, err
	}
	file, err := r.Objects.Get(ctx, name)
	if err == nil {
		err = a.checkFile(ctx, r, name, file)
	}
	if err != nil {
		return nil, &CopyError{Region: region, Object: name, Err: err}
	}
	return file, nil
}

func (a *Archive) checkFile(ctx context.Context, r *Region, name string, file []byte) error {
	switch {
	case name == names.Archive:
		return a.compareIdentity(file)
	case strings.HasPrefix(name, names.Signers):
		return a.checkSigner(name, file)
	case names.IsTopicConfig(name):
		return a.checkSettings(ctx, r, name, file)
	case names.IsDocument(name):
		return a.checkDocument(ctx, r, name, file)
	}
	if _, ok := names.CatalogueFolderOf(name); ok {
		_, err := a.openPage(ctx, r, name, file)
		return err
	}
	return fmt.Errorf("object %q: %w", name, segment.ErrVersion)
}

func (a *Archive) checkSigner(name string, file []byte) error {
	id, err := a.trust.Introduce(file)
	if err != nil && !errors.Is(err, signed.ErrSignature) {
		return damaged("%v", err)
	}
	if err == nil && names.Signer(id) != name {
		return fmt.Errorf("object %q introduces signer %s: %w", name, id, segment.ErrName)
	}
	return err
}

func (a *Archive) checkSettings(ctx context.Context, r *Region, name string, file []byte) error {
	err := a.trusting(ctx, r, func() error {
		var document json.RawMessage
		return signed.Open(file, signed.KindTopicConfig, a.trust, signed.RoleArchive, &document)
	})
	if err != nil && kindOf(err) == KindUnreachable {
		return damaged("%v", err)
	}
	digest := names.Digest(sha256.Sum256(file)).Short()
	if err == nil && !strings.HasSuffix(path.Base(name), "-"+digest.String()+".json") {
		return fmt.Errorf("object %q has digest %s: %w", name, digest, segment.ErrName)
	}
	return err
}

// checkDocument does not look at what the document says: that is for those who
// read it.
func (a *Archive) checkDocument(ctx context.Context, r *Region, name string, file []byte) error {
	d, err := names.ParseDocument(name)
	if err != nil {
		return fmt.Errorf("%w: %w", err, segment.ErrName)
	}
	err = a.trusting(ctx, r, func() error {
		var document json.RawMessage
		return signed.OpenDocument(d, file, a.trust, &document)
	})
	if err != nil && kindOf(err) == KindUnreachable {
		return damaged("%v", err)
	}
	return err
}

// CheckPage asks whether a region has the key page of a segment.
func (a *Archive) CheckPage(ctx context.Context, region string, s *segment.Reader) error {
	r, err := a.region(region)
	if err == nil {
		_, err = secretIn(ctx, r, s)
	}
	return err
}

// CheckBlocks compares the stored bytes of every block with their SHA-256. It
// needs no key.
func (o *Object) CheckBlocks() error {
	if o.Segment == nil {
		return nil
	}
	for n := range o.Segment.Footer().Blocks {
		if err := o.Segment.Check(n); err != nil {
			return &CopyError{Region: o.Region, Object: o.Name.String(), Err: err}
		}
	}
	return nil
}
