package cover

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/codec/catalogue"
	"github.com/tidemark-io/tidemark/codec/names"
)

// Page is a catalogue page as it was found.
type Page struct {
	*catalogue.Page
	// Object is its name, File its bytes.
	Object string
	File   []byte
}

// Pages returns the catalogue pages of a partition that speak of offsets in a
// range, sorted by base, each from the first region whose copy is genuine. Pages
// that are not are left out: whoever needs to know reads them by ReadFile. A
// region that does not answer is passed over, unless none does.
func (a *Archive) Pages(ctx context.Context, p names.Partition, o Offsets) ([]Page, error) {
	found, _, err := a.filesUnder(ctx, names.CataloguePrefix(p))
	if err != nil {
		return nil, fmt.Errorf("list catalogue of %s: %w", p, err)
	}
	var out []Page
	for _, f := range found {
		name, err := names.ParseCataloguePage(f.Name)
		if err != nil || (Offsets{name.Base, name.Next}).clip(o).empty() {
			continue
		}
		if page, ok := a.readPage(ctx, f); ok {
			out = append(out, page)
		}
	}
	slices.SortFunc(out, func(x, y Page) int {
		return cmp.Or(cmp.Compare(x.Base, y.Base), cmp.Compare(x.Next, y.Next), strings.Compare(x.Object, y.Object))
	})
	return out, ctx.Err()
}

// readPage takes the first genuine copy.
func (a *Archive) readPage(ctx context.Context, f *File) (Page, bool) {
	page, by, _ := fromPlaces(ctx, a, f.Places, func(ctx context.Context, r *Region) (Page, error) {
		return a.Page(ctx, r.Name, f.Name)
	})
	return page, by >= 0
}

// Page returns one catalogue page from a region. Every error is a *CopyError.
func (a *Archive) Page(ctx context.Context, region, name string) (Page, error) {
	r, err := a.region(region)
	if err != nil {
		return Page{}, err
	}
	page := Page{Object: name}
	if page.File, err = r.Objects.Get(ctx, name); err == nil {
		page.Page, err = a.openPage(ctx, r, name, page.File)
	}
	if err != nil {
		return Page{}, &CopyError{Region: region, Object: name, Err: err}
	}
	return page, nil
}

func (a *Archive) openPage(ctx context.Context, r *Region, name string, file []byte) (page *catalogue.Page, err error) {
	err = a.trusting(ctx, r, func() (err error) {
		page, err = catalogue.Open(name, file, a.trust)
		return err
	})
	return page, err
}

// Lapsed returns the segments of a map that some region lacks because they have
// lapsed there, with the roll-up that holds each: a signed catalogue page says
// that the roll-up was made from it, and every region lists the roll-up. Nobody
// copies such a segment back. While a region does not answer, nothing counts as
// lapsed. It costs a request only where names leave room for it.
func (a *Archive) Lapsed(ctx context.Context, m *Map) (map[names.Range]names.Range, error) {
	if len(m.Down) > 0 {
		return nil, nil
	}
	lacking, span := m.overlaid(len(a.regions))
	if len(lacking) == 0 {
		return nil, nil
	}
	pages, err := a.Pages(ctx, m.Partition, span)
	if err != nil {
		return nil, err
	}
	out := map[names.Range]names.Range{}
	for _, page := range pages {
		for i := range page.Segments {
			s := &page.Segments[i]
			if !m.everywhere(page.Name(s), len(a.regions)) {
				continue
			}
			for _, c := range within(lacking, s) {
				if c.Range != page.Name(s) && s.Has(c.Range) {
					out[c.Range] = page.Name(s)
				}
			}
		}
	}
	return out, nil
}

// within returns the candidates whose base lies in a roll-up.
func within(sorted []Candidate, s *catalogue.Segment) []Candidate {
	by := func(c Candidate, base int64) int { return cmp.Compare(c.Base, base) }
	from, _ := slices.BinarySearchFunc(sorted, s.Base, by)
	to, _ := slices.BinarySearchFunc(sorted, s.Next, by)
	return sorted[from:to]
}

// overlaid returns the segments that some region lacks while one larger segment
// that all list covers them, sorted by base, and the offsets that they span.
func (m *Map) overlaid(regions int) (out []Candidate, span Offsets) {
	reach := int64(-1) // of what all list, among what begins here or before
	for i, c := range m.Segments {
		for _, d := range m.Segments[i:] {
			if d.Base != c.Base {
				break
			}
			if len(d.Places) == regions {
				reach = max(reach, d.Next)
			}
		}
		if len(c.Places) == regions || reach < c.Next {
			continue
		}
		if len(out) == 0 {
			span = c.Offsets()
		}
		span.Next = max(span.Next, c.Next)
		out = append(out, c)
	}
	return out, span
}

// everywhere reports whether all regions list a segment.
func (m *Map) everywhere(name names.Range, regions int) bool {
	i, ok := slices.BinarySearchFunc(m.Segments, Candidate{Range: name}, compareCandidates)
	return ok && len(m.Segments[i].Places) == regions
}
