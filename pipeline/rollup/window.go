package rollup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/codec/catalogue"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/spool"
)

// window rolls up one window of a partition. This is the durability order of
// rolling up, and the only place where it is decided:
//
//	read ──▶ key page ──▶ roll-up ──▶ every block compared ──▶ catalogue page ──▶ small ones lapse
//	         A and B      A ∥ B       A ∥ B                    A, then B           (lapse)
//
// What exists after a crash at an arrow, and what the next run does:
//
//   - after reading: a file that has lost its name. It begins anew.
//   - key page: slots that nobody will use. It begins anew.
//   - roll-up in one region or both: it is found by its name, which spans
//     exactly the same offsets; if every batch of the small ones is in it, it is
//     taken, copied to where it lacks, and compared; if not, another is made.
//   - compared: the same, for nothing says so yet.
//   - page in one region: nothing lapses. The window is done, and heal copies
//     the page; lapse copies it, too, before it deletes.
//   - page in both: the window is done. Small segments stay until they lapse.
//
// A roll-up that cannot be made is a finding, and its small segments stay. The
// error means that a region could not be written to.
func (r *Roller) window(ctx context.Context, x *run, w *Window) error {
	page := &catalogue.Page{
		Archive: r.parts.ID, Topic: w.Topic, Lineage: w.Lineage, Partition: w.Partition, From: w.From, To: w.To,
	}
	for _, roll := range w.Rolls {
		object, err := x.roll(ctx, roll)
		if f, ok := x.stays(roll, err); ok {
			x.find(f)
			continue
		}
		if err != nil {
			return err
		}
		page.Segments = append(page.Segments, entry(object, roll))
	}
	if len(page.Segments) == 0 {
		return nil
	}
	return x.catalogue(ctx, page)
}

// stays is the finding of an error that another try would meet again: the range
// is refused, or a copy of its roll-up is bad. The next window is tried.
func (x *run) stays(roll *Roll, err error) (cover.Finding, bool) {
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		return refused.finding(x.part.name, roll.Offsets), true
	}
	if bad := (*cover.CopyError)(nil); errors.As(err, &bad) && bad.Kind() != cover.KindUnreachable {
		name := names.Range{Partition: x.part.name, Base: roll.Base, Next: roll.Next}
		return cover.FindingOf(cover.Candidate{Range: name}, bad), true
	}
	return cover.Finding{}, false
}

// taken is the finding of a page whose name holds other bytes.
func (x *run) taken(name string, o cover.Offsets, err error) cover.Finding {
	return cover.Finding{
		Kind: cover.KindDamaged, Object: name, Partition: x.part.name.String(), Offsets: &o,
		Detail: err.Error(), Advice: cover.KindDamaged.Advice(),
	}
}

// entry is what the page says of a roll-up.
func entry(o *cover.Object, roll *Roll) catalogue.Segment {
	s := catalogue.EntryOf(o.Segment)
	for _, m := range roll.members {
		s.Hold(m.Range, m.object.Digest)
	}
	return s
}

// roll returns a roll-up that every region holds, compared block by block.
func (x *run) roll(ctx context.Context, roll *Roll) (*cover.Object, error) {
	name, err := x.twin(ctx, roll)
	if err != nil {
		return nil, err
	}
	if name != nil {
		x.report.Found++
	} else if name, err = x.write(ctx, roll); err != nil {
		return nil, err
	}
	x.tell("check", roll.Segments, roll.Segments)
	o, err := x.check(ctx, *name)
	if err != nil {
		return nil, err
	}
	x.part.rolled = append(x.part.rolled, ended{roll.Next, o.Digest})
	x.report.Segments += roll.Segments
	x.report.Bytes += o.Info.Size
	x.report.Records += int64(o.Segment.Footer().Records)
	return o, nil
}

// write seals a roll-up and stores it: its key page in every region, and then,
// side by side, the segment.
func (x *run) write(ctx context.Context, roll *Roll) (*names.Range, error) {
	file, err := spool.New(x.options.Spool)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sealed, err := x.seal(ctx, roll, file)
	if err != nil {
		return nil, err
	}
	data, err := file.Bytes()
	if err != nil {
		return nil, err
	}
	x.tell("store", roll.Segments, roll.Segments)
	if err := x.each(func(region Region) error { return region.EnsurePage(ctx, sealed.Header.Page) }); err != nil {
		return nil, fmt.Errorf("store key page: %w", err)
	}
	err = x.each(func(region Region) error {
		return region.Ensure(ctx, sealed.Name.String(), data, x.lock(sealed.Header.RetainUntil))
	})
	if err != nil {
		return nil, fmt.Errorf("store roll-up: %w", err)
	}
	x.report.Rolled++
	return &sealed.Name, nil
}

// lock is the date up to which a store locks an object; none that has passed,
// which a store refuses.
func (r *Roller) lock(until time.Time) time.Time {
	if !until.After(r.options.Now()) {
		return time.Time{}
	}
	return until
}

// check compares a roll-up in every region: signature, name, length, checksum,
// key page, and the SHA-256 of every block and filter.
func (r *Roller) check(ctx context.Context, name names.Range) (*cover.Object, error) {
	if o := r.checked[name]; o != nil {
		return o, nil
	}
	objects := make([]*cover.Object, len(r.parts.Regions))
	err := r.eachIndexed(func(i int, region Region) error {
		o, err := r.parts.Archive.Verify(ctx, region.Name(), name)
		if err != nil {
			return err
		}
		objects[i] = o
		return o.CheckBlocks()
	})
	if err != nil {
		return nil, fmt.Errorf("read back roll-up: %w", err)
	}
	r.checked[name] = objects[0]
	return objects[0], nil
}

// catalogue makes a page durable in every region, and reads it back there.
func (x *run) catalogue(ctx context.Context, page *catalogue.Page) error {
	page.Base, page.Next = page.Segments[0].Base, page.Segments[len(page.Segments)-1].Next
	name, file, err := catalogue.Seal(x.parts.Signer, page)
	if err != nil {
		return err
	}
	for _, region := range x.parts.Regions {
		err := x.ensurePage(ctx, region, name.String(), file)
		if errors.Is(err, fs.ErrExist) {
			x.find(x.taken(name.String(), cover.Offsets{Base: name.Base, Next: name.Next}, err))
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// each does the same in every region, side by side.
func (r *Roller) each(do func(Region) error) error {
	return r.eachIndexed(func(_ int, region Region) error { return do(region) })
}

func (r *Roller) eachIndexed(do func(int, Region) error) error {
	errs := make([]error, len(r.parts.Regions))
	var wg sync.WaitGroup
	for i, region := range r.parts.Regions {
		wg.Go(func() {
			if err := do(i, region); err != nil {
				errs[i] = fmt.Errorf("region %s: %w", region.Name(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
