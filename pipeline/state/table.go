package state

import (
	"context"
	"encoding/binary"
	"iter"

	"github.com/tidemark-io/tidemark/pipeline/state/cell"
	"github.com/tidemark-io/tidemark/pipeline/state/runs"
)

// Table is a table as it was at a moment.
type Table struct {
	// Columns come as they are first seen, in rows in the order of the key.
	Columns []Column
	Counts  Counts
	// Unreadable are the first records that were left out.
	Unreadable []Unreadable
	// Sources are the names of the tables that the changes are of, empty for
	// rows without an envelope.
	Sources []string

	topic     string
	options   *Options
	names     []string // of columns, by number
	keys      map[string]bool
	seen      seenKinds
	truncates []version
	snapshots snapshots
	sorters   []*runs.Sorter
	place     []int // among Columns, of a column's number; -1 is none
}

// Close gives up what the table holds in memory and on disk.
func (t *Table) Close() {
	for _, s := range t.sorters {
		s.Close()
	}
	t.sorters = nil
}

// Spilled is how many bytes of the table are on disk.
func (t *Table) Spilled() int64 {
	var n int64
	for _, s := range t.sorters {
		n += s.Spilled()
	}
	return n
}

// partitionSize is that of the partition at the end of a key.
const partitionSize = 4

// outcome says what became of a row.
type outcome int

const (
	outcomeRow outcome = iota
	outcomeGone
)

// rows yields what has become of every row, in the order of the keys. A version
// is valid until the next one.
func (t *Table) rows(ctx context.Context) iter.Seq2[*version, error] {
	return func(yield func(*version, error) bool) {
		var g group
		n := 0
		for pair, err := range runs.Merge(fold, t.sorters...) {
			if n++; n%tellEvery == 0 && err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			identity := pair.Key[:len(pair.Key)-partitionSize]
			if !g.same(identity) && g.filled() && !yield(g.latest(), nil) {
				return
			}
			g.add(identity, int32(binary.BigEndian.Uint32(pair.Key[len(identity):])), pair.Value)
		}
		if g.filled() {
			yield(g.latest(), nil)
		}
	}
}

// group collects the last version of one row in each partition that has it.
type group struct {
	identity []byte
	held     [][]byte // room of versions, used again
	versions []version
}

func (g *group) filled() bool { return len(g.versions) > 0 }

func (g *group) same(identity []byte) bool { return string(g.identity) == string(identity) }

func (g *group) add(identity []byte, partition int32, value []byte) {
	g.identity = append(g.identity[:0], identity...)
	i := len(g.versions)
	if i == len(g.held) {
		g.held = append(g.held, nil)
	}
	g.held[i] = append(g.held[i][:0], value...)
	v := decodeVersion(g.held[i])
	v.partition = partition
	g.versions = append(g.versions, v)
}

// latest returns the last of the versions, and begins anew.
func (g *group) latest() *version {
	all := g.versions
	g.versions = g.versions[:0]
	last := &all[0]
	if len(all) == 1 {
		return last
	}
	sameLog, timed := common(all...)
	for i := range all {
		if later(&all[i], last, sameLog, timed) > 0 {
			last = &all[i]
		}
	}
	last.doubtful = last.borrowedTooEarly(all)
	if last.absent {
		last.completeFrom(all, sameLog, timed)
	}
	last.several = true
	return last
}

// borrowedTooEarly tells whether a version took unchanged values from one of its
// partition although another partition has one in between: the key was there and
// came back, and the values may have changed there.
func (v *version) borrowedTooEarly(all []version) bool {
	if v.lender == nil {
		return false
	}
	from := version{timestamp: v.lender.timestamp, at: v.lender.at, partition: v.partition}
	for i := range all {
		sameLog, timed := common(all[i], from)
		if all[i].partition != v.partition && later(&all[i], &from, sameLog, timed) > 0 {
			return true
		}
	}
	return false
}

// completeFrom takes absent cells from the version before, wherever it is.
func (v *version) completeFrom(all []version, sameLog, timed bool) {
	var before *version
	for i := range all {
		if o := &all[i]; o != v && (before == nil || later(o, before, sameLog, timed) > 0) {
			before = o
		}
	}
	if before != nil {
		v.complete(*before)
	}
}

// outcome judges the last version of a row.
func (t *Table) outcome(v *version) outcome {
	if v.gone || t.truncated(v) || t.options.SnapshotReplaces && t.beforeSnapshot(v) {
		return outcomeGone
	}
	return outcomeRow
}

// truncated tells whether the table was emptied after a version.
func (t *Table) truncated(v *version) bool {
	for i := range t.truncates {
		cut := &t.truncates[i]
		if cut.partition == v.partition {
			if cut.offset > v.offset {
				return true
			}
			continue
		}
		sameLog, timed := common(*cut, *v)
		if later(cut, v, sameLog, timed) > 0 {
			return true
		}
	}
	return false
}

// beforeSnapshot tells whether a version is from before the last snapshot of
// its partition.
func (t *Table) beforeSnapshot(v *version) bool {
	s := t.snapshots[v.partition]
	return s != nil && v.offset < s.begin
}

// survey goes over all rows once and learns the columns.
func (t *Table) survey(ctx context.Context) error {
	s := newSurvey(t.names)
	for v, err := range t.rows(ctx) {
		if err != nil {
			return err
		}
		if v.several {
			t.Counts.Moved++
		}
		if t.outcome(v) == outcomeGone {
			t.Counts.Deleted++
			continue
		}
		t.count(v)
		s.add(v.cells)
	}
	if t.Counts.Incomplete > 0 && !t.options.SkipUnreadable {
		return &UnreadableError{Topic: t.topic, Count: t.Counts.Incomplete, Records: t.Unreadable}
	}
	t.Columns = s.finish(t.keys)
	if t.Counts.Rows == 0 {
		t.Columns = t.seen.columns(t.names, t.keys)
	}
	t.index()
	return nil
}

func (t *Table) count(v *version) {
	t.Counts.Rows++
	if t.beforeSnapshot(v) {
		t.Counts.NotInSnapshot++
	}
	if !v.absent && !v.doubtful {
		return
	}
	why := "the change does not hold all values of its row, and which they are cannot be told: its key was in another partition in between"
	if v.absent {
		why = "the change does not hold all values of its row, and the change that held them is not in the topic any more:" + t.absentNames(v)
	}
	t.Counts.Incomplete++
	if len(t.Unreadable) < maxListed {
		t.Unreadable = append(t.Unreadable, Unreadable{Place{v.partition, v.offset, v.timestamp}, why})
	}
}

func (t *Table) absentNames(v *version) string {
	names := " column"
	for c := range decodeCells(v.cells) {
		if c.Kind == cell.Absent {
			names += " " + t.names[c.column]
		}
	}
	return names
}

// index says where each numbered column stands.
func (t *Table) index() {
	numbers := map[string]int{}
	for i, c := range t.Columns {
		numbers[c.Name] = i
	}
	t.place = make([]int, len(t.names))
	for id, name := range t.names {
		t.place[id] = -1
		if i, ok := numbers[name]; ok {
			t.place[id] = i
		}
	}
}

// Rows yields the rows in the order of their keys, a cell for each column. A
// row is valid until the next one. It may be called again.
func (t *Table) Rows(ctx context.Context) iter.Seq2[[]Cell, error] {
	return func(yield func([]Cell, error) bool) {
		row := make([]Cell, len(t.Columns))
		for v, err := range t.rows(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if t.outcome(v) == outcomeGone {
				continue
			}
			t.align(row, v.cells)
			if !yield(row, nil) {
				return
			}
		}
	}
}

// align puts cells where their columns are, as the kind of the column. What a
// row does not have is null.
func (t *Table) align(row []Cell, cells []byte) {
	for i := range row {
		row[i] = Cell{Kind: t.Columns[i].Kind, Null: true}
	}
	for c := range decodeCells(cells) {
		i := t.place[c.column]
		if i < 0 || c.Null || c.Kind == cell.Absent {
			continue
		}
		row[i].Null, row[i].Text = false, cell.As(t.Columns[i].Kind, c.Kind, c.Text)
	}
}

// PrimaryKey are the names of the columns that tell rows apart, nil if the
// table does not hold all of them or a database cannot compare their values.
func (t *Table) PrimaryKey() []string {
	var names []string
	for _, c := range t.Columns {
		if c.Key && !c.Nullable && c.Kind != cell.JSON && c.Kind != cell.Unknown {
			names = append(names, c.Name)
		}
	}
	if len(names) < len(t.keys) {
		return nil
	}
	return names
}
