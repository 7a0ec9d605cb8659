package ui

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// columnGap stands between two columns.
const columnGap = "  "

// Table is a table for a person: columns as wide as their widest cell, numbers
// to the right. It holds its rows until Flush.
type Table struct {
	w     io.Writer
	rows  [][]string
	width []int
	// text marks columns that hold anything but numbers.
	text []bool
}

// NewTable begins a table with a header, or without one.
func NewTable(w io.Writer, header ...string) *Table {
	t := &Table{w: w}
	if len(header) > 0 {
		cells := make([]string, len(header))
		for i, h := range header {
			cells[i] = strings.ToUpper(h)
		}
		t.add(cells)
	}
	return t
}

// Row adds a row; cells are printed as fmt.Print would.
func (t *Table) Row(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = Printable(fmt.Sprint(c))
	}
	t.add(row)
	for i, c := range cells {
		t.text[i] = t.text[i] || !isNumber(c)
	}
}

func isNumber(v any) bool {
	if _, named := v.(fmt.Stringer); named {
		return false
	}
	r := reflect.ValueOf(v)
	return r.IsValid() && (r.CanInt() || r.CanUint() || r.CanFloat())
}

func (t *Table) add(row []string) {
	for i, c := range row {
		if i == len(t.width) {
			t.width, t.text = append(t.width, 0), append(t.text, false)
		}
		t.width[i] = max(t.width[i], utf8.RuneCountInString(c))
	}
	t.rows = append(t.rows, row)
}

// Flush writes the table and returns the writer's error.
func (t *Table) Flush() error {
	b := bufio.NewWriter(t.w)
	for _, row := range t.rows {
		var line strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", t.width[i]-utf8.RuneCountInString(c))
			if t.text[i] {
				c += pad
			} else {
				c = pad + c
			}
			if i > 0 {
				line.WriteString(columnGap)
			}
			line.WriteString(c)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	t.rows = nil
	return b.Flush()
}
