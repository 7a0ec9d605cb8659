package state

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// maxColumns bounds how many different names the rows of a table may have.
// PostgreSQL takes 1,600; objects whose names are data, such as ids, have
// millions, and are no rows.
const maxColumns = 10_000

var errColumns = errors.New("the topic has more than 10000 different column names: its values are no rows of one table")

// dictionary gives every name of a column a number. Readers share it.
type dictionary struct {
	mu    sync.Mutex
	ids   map[string]int
	names []string
}

func newDictionary() *dictionary { return &dictionary{ids: map[string]int{}} }

func (d *dictionary) id(name string) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, ok := d.ids[name]; ok {
		return id, nil
	}
	if len(d.names) == maxColumns {
		return 0, errColumns
	}
	name = strings.Clone(name)
	d.ids[name] = len(d.names)
	d.names = append(d.names, name)
	return d.ids[name], nil
}

// Column is a column of the table.
type Column struct {
	Name string
	Kind cell.Kind
	// Key is true for a column that identifies a row.
	Key bool
	// Nullable is true if a row has a null there, or nothing.
	Nullable bool
	// Whole and Scale are the most digits of a numeric before and behind its
	// point.
	Whole, Scale int
	// Odd is true if a time is infinite, outside of the years 1 to 9999, 24:00:00
	// or finer than a microsecond, or a number is none: formats with fixed ranges
	// hold such a column as text.
	Odd bool
}

// survey learns the columns of a table from its rows.
type survey struct {
	names   []string
	place   map[int]int // of a column's number among columns
	columns []Column
	filled  []int64 // how many rows have a value there
	rows    int64
}

func newSurvey(names []string) *survey { return &survey{names: names, place: map[int]int{}} }

// add looks at one row. A column that it is the first to have gets its place
// behind those that are known.
func (s *survey) add(cells []byte) {
	s.rows++
	for c := range decodeCells(cells) {
		if c.Kind == cell.Absent {
			c.Kind = cell.Unknown
		}
		i, ok := s.place[c.column]
		if !ok {
			i = len(s.columns)
			s.place[c.column] = i
			s.columns = append(s.columns, Column{Name: s.names[c.column]})
			s.filled = append(s.filled, 0)
		}
		column := &s.columns[i]
		column.Kind = cell.Join(column.Kind, c.Kind)
		if !c.Null {
			s.filled[i]++
			column.measure(c.Cell)
		}
	}
}

// measure learns what formats with fixed ranges ask for.
func (c *Column) measure(v Cell) {
	switch v.Kind {
	case cell.Int, cell.Numeric, cell.Float32, cell.Float64:
		whole, scale, ok := digits(cell.As(cell.Numeric, v.Kind, v.Text))
		c.Whole, c.Scale, c.Odd = max(c.Whole, whole), max(c.Scale, scale), c.Odd || !ok
	case cell.Date, cell.Time, cell.Timestamp, cell.TimestampTZ:
		c.Odd = c.Odd || isOdd(v.Text)
	}
}

func digits(text []byte) (whole, scale int, ok bool) {
	point := -1
	for i, b := range text {
		switch {
		case b == '.':
			point = i
		case b == '-' && i == 0:
		case b < '0' || b > '9':
			return 0, 0, false
		default:
			whole++
		}
	}
	if point >= 0 {
		scale = len(text) - point - 1
	}
	return whole - scale, scale, true
}

// isOdd knows BC, infinity, years of five digits, 24:00:00, and nanoseconds.
func isOdd(text []byte) bool {
	last := text[len(text)-1]
	return last == 'C' || last == 'y' || len(text) > 4 && text[4] >= '0' && text[4] <= '9' && text[2] != ':' ||
		string(text) == "24:00:00" || len(cell.CutToMicros(text)) < len(text)
}

// finish returns the columns; key are the names of those that identify a row.
func (s *survey) finish(key map[string]bool) []Column {
	for i := range s.columns {
		s.columns[i].Nullable = s.filled[i] < s.rows
		s.columns[i].Key = key[s.columns[i].Name]
	}
	return s.columns
}

// seenKinds are the columns of any change that was read, for a table that has
// no rows left.
type seenKinds map[int]cell.Kind

func (s seenKinds) merge(other seenKinds) {
	for id, k := range other {
		s[id] = cell.Join(s[id], k)
	}
}

// columns come in the order of their names: that of their numbers depends on
// which partition was read first.
func (s seenKinds) columns(names []string, key map[string]bool) []Column {
	var all []Column
	for _, id := range slices.Collect(maps.Keys(s)) {
		all = append(all, Column{Name: names[id], Kind: s[id], Key: key[names[id]], Nullable: !key[names[id]]})
	}
	slices.SortFunc(all, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
	return all
}
