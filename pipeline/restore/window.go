package restore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// subject is a partition that is looked at for transactions.
type subject struct {
	topic  string
	plan   *PartitionPlan
	survey Survey
	// planned is true if it may come back, restored if it does.
	planned, restored bool
}

// transactions finds where the cut by transactions falls. Every archived
// partition is looked at, for a transaction is in or out as a whole, wherever
// its parts lie and whatever of it is restored.
func (b *planner) transactions(ctx context.Context, drafts []*draft) error {
	bystanders, err := b.bystanders(ctx, drafts)
	if err != nil {
		return err
	}
	var subjects []subject
	for i, d := range slices.Concat(drafts, bystanders) {
		for j := range d.Partitions {
			planned := i < len(drafts)
			subjects = append(subjects, subject{
				d.From, &d.Partitions[j], d.surveys[j], planned, planned && b.plan.Request.wants(d.Partitions[j].Number),
			})
		}
	}
	around := bounds{to: b.plan.To, window: b.plan.Request.window().Milliseconds()}
	scans, err := b.scan(ctx, around, subjects)
	if err != nil {
		return err
	}
	m := match{bounds: around, scans: scans}
	m.run()
	for i, s := range subjects {
		if s.planned {
			s.plan.Transactions = scans[i].cut(m.absent)
		}
		b.checkWindow(around, s, scans[i])
	}
	b.plan.Doubts = m.doubts
	b.refuseDoubts()
	b.warnTails(around, scans)
	return nil
}

// bystanders are drafts of what is archived and not restored: other topics, and
// other lives.
func (b *planner) bystanders(ctx context.Context, drafts []*draft) ([]*draft, error) {
	found, err := b.src.Partitions(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	type life struct {
		topic string
		id    names.TopicID
	}
	known := map[life]bool{}
	for _, d := range drafts {
		known[life{d.From, d.ID}] = true
	}
	lives := map[life][]names.Partition{}
	for _, p := range found {
		lives[life{p.Topic, p.Lineage.Topic}] = append(lives[life{p.Topic, p.Lineage.Topic}], p)
	}
	var list []*draft
	for l, parts := range lives {
		if known[l] {
			continue
		}
		d := &draft{TopicPlan: TopicPlan{From: l.topic, ID: l.id}}
		for _, p := range branches(parts, l.id) {
			if err := b.partition(ctx, d, p); err != nil {
				return nil, fmt.Errorf("topic %s partition %d: %w", p.Topic, p.Number, err)
			}
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(x, y *draft) int {
		return cmp.Or(strings.Compare(x.From, y.From), slices.Compare(x.ID[:], y.ID[:]))
	})
	return list, nil
}

// scan looks at many partitions at once.
func (b *planner) scan(ctx context.Context, around bounds, subjects []subject) ([]*scan, error) {
	scans := make([]*scan, len(subjects))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(scanParallel)
	for i, s := range subjects {
		g.Go(func() (err error) {
			if scans[i], err = around.look(ctx, b.src, s.topic, s.plan, s.survey); err != nil {
				return fmt.Errorf("topic %s partition %d: %w", s.topic, s.plan.Number, err)
			}
			scans[i].restored = s.restored
			return nil
		})
	}
	return scans, g.Wait()
}

// checkWindow refuses gaps in which a marker may have been lost.
func (b *planner) checkWindow(around bounds, s subject, sc *scan) {
	if b.plan.Request.AllowIncomplete || len(sc.marks) == 0 {
		return
	}
	for _, g := range s.survey.Gaps {
		if g.Next > sc.begin && g.Base < sc.end && !g.Unexplained {
			b.refuse(CauseInGap, s.topic, "a gap of topic %s partition %d lies within %s of %s: the offsets [%d, %d) were lost (%s), and a commit marker may have been among them: choose another moment, or allow an incomplete restore",
				s.topic, s.plan.Number, b.plan.Request.window(), moment(around.to), g.Base, g.Next, g.Reason)
		}
	}
}

// refuseDoubts names one of the doubtful transactions; the plan has them all.
func (b *planner) refuseDoubts() {
	if len(b.plan.Doubts) == 0 {
		return
	}
	d := b.plan.Doubts[0]
	var parts []string
	for _, p := range d.Parts {
		text := fmt.Sprintf("topic %s partition %d offsets [%d, %d)", p.Topic, p.Partition, p.Base, p.Next)
		if p.Marker != 0 {
			text += ", committed there at " + moment(p.Marker)
		}
		parts = append(parts, text)
	}
	text := fmt.Sprintf("of %d transactions it is not certain whether they were complete at %s, the first of producer %d, epoch %d (%s): %s",
		len(b.plan.Doubts), moment(b.plan.To), d.Producer, d.Epoch, strings.Join(parts, "; "), d.Why)
	if b.plan.Request.Force {
		b.warn([]string{text + "; the plan says how each is taken"})
		return
	}
	b.refuse(CauseAmbiguous, "", "%s: choose a moment at which no transaction was being committed, cut by time or at a mark, or force it", text)
}

// warnTails tells what the archive cannot know yet: markers that were written to
// Kafka, or will be, and are not archived.
func (b *planner) warnTails(around bounds, scans []*scan) {
	var short, waiting []*scan
	unarchived := 0
	for _, sc := range scans {
		if len(sc.marks) == 0 || sc.whole {
			continue
		}
		short = append(short, sc)
		n := 0
		for _, m := range sc.marks {
			if m.found == ahead && m.earliest <= around.to {
				n++
			}
		}
		if n > 0 {
			waiting, unarchived = append(waiting, sc), unarchived+n
		}
	}
	if unarchived > 0 {
		b.warn([]string{fmt.Sprintf("%d transactions are left out because their commit markers are not archived yet, the first in topic %s partition %d: they may have been complete at %s",
			unarchived, waiting[0].place.topic, waiting[0].place.partition, moment(around.to))})
	}
	if len(short) > 0 {
		last := "no commit marker is archived"
		first := slices.MinFunc(short, func(x, y *scan) int { return cmp.Compare(x.latest, y.latest) })
		if first.latest != segment.NoTimestamp {
			last = "the last commit marker is of " + moment(first.latest)
		}
		b.warn([]string{fmt.Sprintf("in %d of %d partitions the archive ends less than %s after the moment, the earliest in topic %s partition %d, where %s: a transaction of which another part is committed later counts by the markers that are archived",
			len(short), len(scans), b.plan.Request.window(), first.place.topic, first.place.partition, last)})
	}
}
