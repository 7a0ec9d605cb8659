package drill

import (
	"fmt"
	"strings"
	"sync"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// The kinds of findings that only a comparison makes.
const (
	// KindMissing: the source cluster has a record that the archive lacks.
	KindMissing cover.Kind = "missing"
	// KindAdded: the archive has a record that the source cluster does not have
	// and that neither retention nor compaction explains.
	KindAdded cover.Kind = "added"
	// KindDiffers: archive and source cluster have different records at one
	// offset.
	KindDiffers cover.Kind = "differs"
	// KindNotRestored: what was brought to scratch topics is not what was to be
	// brought, or did not arrive.
	KindNotRestored cover.Kind = "not-restored"
	// KindCount: a segment holds other records than its footer says.
	KindCount cover.Kind = "count"
)

var advice = map[cover.Kind]string{
	KindMissing:     "archive the offsets again while Kafka has them: tell the maintainers, with this result",
	KindAdded:       "compare the record by `tidemark cat` with the cluster's own history: the topic may have been compacted, truncated or made again since it was archived",
	KindDiffers:     "compare the record by `tidemark cat` and in Kafka: one of the two was changed; the archive's digest says whether it is the archive",
	KindNotRestored: "run the drill again with --keep, and compare the scratch topic",
	KindCount:       "run verify --deep, and then heal",
}

func adviceOf(k cover.Kind) string {
	if text, ok := advice[k]; ok {
		return text
	}
	return k.Advice()
}

// finds gathers what is wrong. It is safe for concurrent use.
type finds struct {
	mu    sync.Mutex
	list  []cover.Finding
	count int
	rows  map[place]int
	notes []string
	seen  map[string]bool
}

// place is a partition of a topic, in whatever lineage.
type place struct {
	topic     string
	partition int32
}

func (p place) String() string { return fmt.Sprintf("%s/%d", p.topic, p.partition) }

func newFinds() *finds { return &finds{rows: map[place]int{}, seen: map[string]bool{}} }

// add notes a finding of a partition. The same one counts once.
func (f *finds) add(at place, found cover.Finding) {
	if len(found.Detail) > maxText {
		found.Detail = found.Detail[:maxText] + "…"
	}
	found.Detail = strings.ToValidUTF8(found.Detail, "\uFFFD")
	if found.Advice == "" {
		found.Advice = adviceOf(found.Kind)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := found.String()
	if found.Region != "" && found.Object != "" {
		key = fmt.Sprint(found.Kind, " ", found.Region, " ", found.Object) // a copy is met more than once
	}
	if f.seen[key] {
		return
	}
	f.count++
	f.rows[at]++
	if len(f.list) < maxFindings {
		f.seen[key] = true
		f.list = append(f.list, found)
	}
}

// note remembers what is not wrong but has to be known.
func (f *finds) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	f.mu.Lock()
	defer f.mu.Unlock()
	if key := "note " + text; !f.seen[key] && len(f.notes) < maxFindings {
		f.seen[key] = true
		f.notes = append(f.notes, text)
	}
}

// harmless are the kinds that a reader reports and that are not wrong: they say
// that nothing is known of a copy, or explain themselves.
var harmless = map[cover.Kind]bool{cover.KindGap: true, cover.KindOverlap: true, cover.KindLapsed: true, cover.KindUnreachable: true}

// report takes what the archive's reader found on its way. A copy that is
// damaged is wrong although another copy served.
func (f *finds) report(found cover.Finding) {
	if harmless[found.Kind] {
		if found.Kind == cover.KindUnreachable {
			f.note("region %s did not always answer, and was done without", found.Region)
		}
		return
	}
	f.add(placeOf(found), found)
}

// placeOf finds the partition in a finding's folder.
func placeOf(found cover.Finding) place {
	if r, err := names.ParseRange(found.Object); err == nil {
		return place{r.Partition.Topic, r.Partition.Number}
	}
	return place{}
}

// run is a row of records in which the same is wrong: they make one finding.
type run struct {
	finds  *finds
	at     place
	folder string
	kind   cover.Kind
	base   int64
	next   int64
	count  int
	detail string
}

// take notes that something is wrong with the record at an offset.
func (r *run) take(kind cover.Kind, offset int64, detail string) {
	if r.count > 0 && r.kind == kind && offset >= r.next {
		r.next = offset + 1
		r.count++
		return
	}
	r.end()
	r.kind, r.base, r.next, r.count, r.detail = kind, offset, offset+1, 1, detail
}

// right ends the row: the record at hand is as it should be.
func (r *run) right() {
	if r.count > 0 {
		r.end()
	}
}

func (r *run) end() {
	if r.count == 0 {
		return
	}
	detail := r.detail
	if r.count > 1 {
		detail = fmt.Sprintf("%d records; the first: %s", r.count, r.detail)
	}
	r.finds.add(r.at, cover.Finding{Kind: r.kind, Partition: r.folder, Offsets: &cover.Offsets{Base: r.base, Next: r.next}, Detail: detail})
	r.count = 0
}
