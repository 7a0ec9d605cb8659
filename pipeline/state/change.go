package state

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"
)

// parts are what a value has at its top.
type parts struct {
	envelope              bool
	op                    gjson.Result
	before, after, source gjson.Result

	flat        bool // a row with metadata in names that begin with __
	flatOp      string
	flatDeleted bool

	status, id, events, collections gjson.Result
	ddl, database, stamp            gjson.Result
	fields                          int
}

func partsOf(v gjson.Result) parts {
	var p parts
	if !v.IsObject() {
		return p
	}
	v.ForEach(func(name, v gjson.Result) bool {
		p.fields++
		p.take(name.Str, v)
		return true
	})
	sides := p.before.Exists() || p.after.Exists()
	p.envelope = p.op.Type == gjson.String && (sides || p.source.Exists()) || sides && p.source.IsObject()
	return p
}

func (p *parts) take(name string, v gjson.Result) {
	switch name {
	case "op":
		p.op = v
	case "before":
		p.before = v
	case "after":
		p.after = v
	case "source":
		p.source = v
	case "__op":
		p.flat, p.flatOp = true, v.Str
	case "__deleted":
		p.flat, p.flatDeleted = true, v.String() == "true"
	case "status":
		p.status = v
	case "id":
		p.id = v
	case "event_count":
		p.events = v
	case "data_collections":
		p.collections = v
	case "ddl":
		p.ddl = v
	case "databaseName":
		p.database = v
	case "ts_ms":
		p.stamp = v
	}
}

// noTable says what a record is that belongs to no table, or "".
func (p *parts) noTable(keyNames []string) string {
	switch {
	case (p.status.Str == "BEGIN" || p.status.Str == "END") && p.id.Exists() && (p.events.Exists() || p.collections.Exists()):
		return "Debezium's transaction metadata (BEGIN and END of transactions)"
	case p.ddl.Exists() && p.database.Exists():
		return "Debezium's schema changes"
	case p.fields == 1 && p.stamp.Exists() && len(keyNames) == 1 && keyNames[0] == "serverName":
		return "Debezium's heartbeats"
	}
	return ""
}

func (p *parts) flatOrigin(row gjson.Result, buf []byte) origin {
	var o origin
	var c clock
	row.ForEach(func(name, v gjson.Result) bool {
		if strings.HasPrefix(name.Str, "__") {
			flatOrigin(name.Str, v, &o, &c, buf)
		}
		return true
	})
	o.at.nanos, o.at.timed = c.read()
	return o
}

// change takes a Debezium envelope.
func (r *reader) change(key *recordKey, doc document, p parts, v *version) error {
	r.note(formChanges, v)
	if p.op.Str == "m" {
		r.counts.Messages++
		return nil
	}
	o := readOrigin(p.source, r.position[:0])
	v.at, r.position = o.at, o.at.in
	if ok, err := r.fromTable(o.table, v); !ok || err != nil {
		return err
	}
	r.snapshots.take(r.partition, v.offset, p.op.Str == "r" && o.snapshot != "incremental")
	switch p.op.Str {
	case "c", "r", "u":
		return r.upsert(key, doc, p, v)
	case "d":
		return r.remove(key, p, v)
	case "t":
		r.truncates = append(r.truncates, clone(*v))
		return nil
	}
	return bad("its op is %q, which Debezium does not have", p.op.String())
}

// clone lets a version outlive its record.
func clone(v version) version {
	v.at.in = bytes.Clone(v.at.in)
	return v
}

func (r *reader) remove(key *recordKey, p parts, v *version) error {
	v.gone = true
	if len(r.o.KeyColumns) == 0 && key == nil && p.before.IsObject() {
		return bad("it has no key, so that nothing says which row it is (name the columns that do with --key-columns)")
	}
	identity, err := r.identify(key, p.before)
	if err != nil {
		return err
	}
	return r.put(identity, r.partition, v)
}

// upsert takes a row as it is after a change. If that changed its key, the row
// of the old key is gone.
func (r *reader) upsert(key *recordKey, doc document, p parts, v *version) error {
	after, err := side(p.after)
	if err != nil {
		return bad("its op is %q and its after %v", p.op.Str, err)
	}
	identity, err := r.identify(key, after)
	if err != nil {
		return err
	}
	if p.op.Str == "u" && p.before.IsObject() {
		if identity, err = r.moved(identity, key, p.before, after, v); err != nil {
			return err
		}
	}
	r.cells = r.cells[:0]
	if v.absent, err = r.rowCells(after, doc.typ.Field("after", 1), false); err != nil {
		return err
	}
	v.cells = r.cells
	return r.put(identity, r.partition, v)
}

// side returns the row in before or after; MongoDB's is JSON in a text.
func side(v gjson.Result) (gjson.Result, error) {
	if v.Type == gjson.String && gjson.Valid(v.Str) {
		v = gjson.Parse(v.Str)
	}
	if !v.IsObject() {
		return v, &unreadable{"is no row"}
	}
	return v, nil
}

// moved compares the key of a row before and after a change.
func (r *reader) moved(identity []byte, key *recordKey, before, after gjson.Result, v *version) ([]byte, error) {
	names := r.o.KeyColumns
	if len(names) == 0 {
		if !key.structured {
			return identity, nil
		}
		names = r.names
	}
	var ok bool
	if r.now, ok = identityIn(r.now[:0], after, names); !ok {
		return identity, nil
	}
	if r.other, ok = identityIn(r.other[:0], before, names); !ok || bytes.Equal(r.now, r.other) {
		return identity, nil
	}
	ended := *v
	ended.gone = true
	return r.now, r.put(r.other, r.partition, &ended)
}

// snapshots are where the last snapshot in each partition began.
type snapshots map[int32]*snapshot

type snapshot struct {
	begin   int64 // offset
	running bool
}

func (s snapshots) take(partition int32, offset int64, inSnapshot bool) {
	last := s[partition]
	switch {
	case inSnapshot && last == nil:
		s[partition] = &snapshot{offset, true}
	case inSnapshot && !last.running:
		last.begin, last.running = offset, true
	case !inSnapshot && last != nil:
		last.running = false
	}
}

// namesOf are the columns of a key in the order of its identity.
func namesOf(dst []string, fields []keyField) []string {
	dst = dst[:0]
	for _, f := range fields {
		dst = append(dst, f.name)
	}
	return dst
}
