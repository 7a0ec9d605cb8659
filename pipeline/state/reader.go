package state

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// reader makes versions of rows out of records. One goroutine owns it.
type reader struct {
	o       *Options
	decode  *decoder
	shared  *dictionary
	ids     map[string]int // of columns, from shared
	seen    seenKinds
	keys    map[string]bool // names of the columns of keys
	counts  Counts
	sources map[string]Place // where each source table was first seen
	first   map[form]Place   // where each form of value was first seen

	truncates []version
	snapshots snapshots

	put func(identity []byte, partition int32, v *version) error

	partition int32
	current   recordKey
	identity  []byte // of the row that is read
	now       []byte // of the same after a change
	other     []byte // and before
	cells     []byte
	text      []byte
	position  []byte
	fields    []keyField
	names     []string
}

// form is what the values of a topic are; a table is made of one.
type form string

const (
	formChanges form = "Debezium envelopes"
	formRows    form = "values without an envelope"
)

func newReader(o *Options, shared *dictionary, put func([]byte, int32, *version) error) *reader {
	return &reader{
		o: o, decode: newDecoder(o.Schemas), shared: shared, ids: map[string]int{}, seen: seenKinds{}, keys: map[string]bool{},
		sources: map[string]Place{}, first: map[form]Place{}, snapshots: snapshots{}, put: put,
	}
}

// unreadable is an error in one record.
type unreadable struct{ reason string }

func (e *unreadable) Error() string { return e.reason }

func bad(format string, args ...any) error { return &unreadable{fmt.Sprintf(format, args...)} }

// take reads a record. An *unreadable is of this record, any other error ends
// the reading.
func (r *reader) take(ctx context.Context, rec *recordbatch.Record) error {
	r.counts.Records++
	key, err := r.key(ctx, rec)
	if err != nil {
		return err
	}
	v := version{partition: r.partition, offset: rec.Offset, timestamp: rec.Timestamp}
	if rec.Value == nil {
		return r.tombstone(key, &v)
	}
	doc, err := r.decode.document(ctx, rec.Value)
	if err != nil {
		return err
	}
	if doc.value.Type == gjson.Null { // a schema, and nothing in it
		return r.tombstone(key, &v)
	}
	p := partsOf(doc.value)
	if why := p.noTable(r.names); why != "" {
		return &NoTableError{Topic: r.o.Topic, Reason: why, Where: r.place(&v)}
	}
	if p.envelope && r.o.Form != FormRows {
		return r.change(key, doc, p, &v)
	}
	if r.o.Form == FormChanges {
		return bad("its value is no Debezium envelope")
	}
	return r.row(key, doc, p, &v)
}

func (r *reader) place(v *version) Place {
	return Place{Partition: r.partition, Offset: v.offset, Timestamp: v.timestamp}
}

// note remembers where a form was first seen.
func (r *reader) note(f form, v *version) {
	if _, ok := r.first[f]; !ok {
		r.first[f] = r.place(v)
	}
}

// tombstone ends a row. Where rows are told apart by columns, the record key
// says nothing: the delete before the tombstone did it.
func (r *reader) tombstone(key *recordKey, v *version) error {
	r.counts.Tombstones++
	if len(r.o.KeyColumns) > 0 {
		return nil
	}
	if key == nil {
		return bad("it has neither key nor value")
	}
	v.gone = true
	return r.put(key.identity, r.partition, v)
}

// row takes a value that is a row by itself: a plain event, or a flattened
// envelope.
func (r *reader) row(key *recordKey, doc document, p parts, v *version) error {
	r.note(formRows, v)
	flat := p.flat
	if flat {
		o := p.flatOrigin(doc.value, r.position[:0])
		v.at = o.at
		if ok, err := r.fromTable(o.table, v); !ok || err != nil {
			return err
		}
	}
	if p.flatOp == "t" {
		r.truncates = append(r.truncates, clone(*v))
		return nil
	}
	v.gone = p.flatDeleted || p.flatOp == "d"
	identity, err := r.identify(key, doc.value)
	if err != nil {
		return err
	}
	if !v.gone {
		r.cells = r.cells[:0]
		if err := r.keyCells(key, doc.value); err != nil {
			return err
		}
		if v.absent, err = r.rowCells(doc.value, doc.typ, flat); err != nil {
			return err
		}
		v.cells = r.cells
	}
	return r.put(identity, r.partition, v)
}

// identify returns the identity of a row: of the columns that were asked for,
// else of the record key.
func (r *reader) identify(key *recordKey, row gjson.Result) ([]byte, error) {
	if len(r.o.KeyColumns) > 0 {
		identity, ok := identityIn(r.identity[:0], row, r.o.KeyColumns)
		r.identity = identity
		if !ok {
			return nil, bad("its row lacks a value in a column of the key %s", strings.Join(r.o.KeyColumns, ", "))
		}
		return identity, nil
	}
	if key == nil {
		return nil, bad("it has no key, so that nothing says which row it is (name the columns that do with --key-columns)")
	}
	return key.identity, nil
}

// keyCells adds what the key says and the value does not: the fields of a
// structured key, and a key of one value as a column of its own.
func (r *reader) keyCells(key *recordKey, row gjson.Result) error {
	if key == nil {
		return nil
	}
	if !key.structured {
		if r.o.KeyColumn == "" {
			return nil
		}
		r.keys[r.o.KeyColumn] = true
		id, err := r.column(r.o.KeyColumn)
		if err != nil {
			return err
		}
		if hasField(row, r.o.KeyColumn) {
			return bad("its row has a column %s, as the column for the record key is called (choose another with --key-column)", r.o.KeyColumn)
		}
		kind := cell.Text
		if !utf8.Valid(key.scalar) {
			kind = cell.Bytes
		}
		r.see(id, kind)
		r.cells = appendCell(r.cells, id, kind, false, key.scalar)
		return nil
	}
	for i, f := range r.fields {
		if strings.HasPrefix(f.name, "__") || hasField(row, f.name) {
			continue
		}
		if err := r.cell(f.name, f.value, key.typ.Field(f.name, i)); err != nil {
			return err
		}
	}
	return nil
}

func hasField(row gjson.Result, name string) bool {
	has := false
	row.ForEach(func(n, _ gjson.Result) bool {
		has = n.Str == name
		return !has
	})
	return has
}

// rowCells appends the cells of a row; a value that is no object is one cell.
func (r *reader) rowCells(row gjson.Result, t *cell.Type, flat bool) (absent bool, err error) {
	if !row.IsObject() {
		return false, r.cell("value", row, t)
	}
	i := -1
	row.ForEach(func(name, v gjson.Result) bool {
		i++
		if flat && strings.HasPrefix(name.Str, "__") {
			return true
		}
		if cell.IsAbsent(v) {
			absent = true
			var id int
			if id, err = r.column(name.Str); err == nil {
				r.cells = appendCell(r.cells, id, cell.Absent, true, nil)
			}
			return err == nil
		}
		err = r.cell(name.Str, v, t.Field(name.Str, i))
		return err == nil
	})
	return absent, err
}

// cell appends one cell.
func (r *reader) cell(name string, v gjson.Result, t *cell.Type) error {
	id, err := r.column(name)
	if err != nil {
		return err
	}
	if v.Type == gjson.Null {
		kind := t.Kind()
		r.see(id, kind)
		r.cells = appendCell(r.cells, id, kind, true, nil)
		return nil
	}
	text, kind, err := t.Append(r.text[:0], v)
	if err != nil {
		return bad("column %q: %v", name, err)
	}
	r.text = text
	r.see(id, kind)
	r.cells = appendCell(r.cells, id, kind, false, text)
	return nil
}

func (r *reader) see(id int, k cell.Kind) {
	if had, ok := r.seen[id]; !ok || had != k {
		r.seen[id] = cell.Join(had, k)
	}
}

func (r *reader) column(name string) (int, error) {
	if id, ok := r.ids[name]; ok {
		return id, nil
	}
	id, err := r.shared.id(name)
	if err == nil {
		r.ids[strings.Clone(name)] = id
	}
	return id, err
}

// fromTable tells whether a change is one of the table that was asked for.
func (r *reader) fromTable(table string, v *version) (bool, error) {
	if len(r.o.Tables) > 0 && !slices.ContainsFunc(r.o.Tables, func(t string) bool { return tableMatches(t, table) }) {
		r.counts.OtherTables++
		return false, nil
	}
	if _, ok := r.sources[table]; !ok && table != "" {
		if len(r.sources) >= maxColumns {
			return false, errColumns
		}
		r.sources[strings.Clone(table)] = r.place(v)
	}
	return true, nil
}

// tableMatches compares the name that was asked for, with or without a schema.
func tableMatches(asked, table string) bool {
	if asked == "*" || asked == table {
		return true
	}
	_, bare, ok := strings.Cut(table, ".")
	return ok && asked == bare
}
