package state

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// The logs that positions are in.
const (
	logLSN    = 1 // PostgreSQL, a number
	logChange = 2 // SQL Server, texts of one length
	logBinlog = 3 // MySQL and MariaDB: file, place, row
	logSCN    = 4 // Oracle
)

// origin is what an envelope says of where its change comes from.
type origin struct {
	at       position
	table    string
	snapshot string
}

// readOrigin reads the source block of an envelope. Its position shares no
// memory with it but buf.
func readOrigin(source gjson.Result, buf []byte) origin {
	var o origin
	var lsn, change, commit, file, place, row, scn, schema gjson.Result
	var clock clock
	source.ForEach(func(name, v gjson.Result) bool {
		if v.Type == gjson.Null {
			return true
		}
		switch name.Str {
		case "lsn":
			lsn = v
		case "change_lsn":
			change = v
		case "commit_lsn":
			commit = v
		case "file":
			file = v
		case "pos":
			place = v
		case "row":
			row = v
		case "scn":
			scn = v
		case "schema":
			schema = v
		case "table", "collection":
			o.table = v.Str
		case "snapshot":
			o.snapshot = v.String()
		default:
			clock.take(name.Str, v)
		}
		return true
	})
	o.at.nanos, o.at.timed = clock.read()
	switch {
	case lsn.Type == gjson.Number:
		o.at.kind, o.at.in = logLSN, binary.BigEndian.AppendUint64(buf, lsn.Uint())
	case change.Str != "" || commit.Str != "":
		o.at.kind, o.at.in = logChange, append(append(append(buf, commit.Str...), '/'), change.Str...)
	case file.Str != "" && place.Exists():
		o.at.kind = logBinlog
		o.at.in = binary.BigEndian.AppendUint16(buf, uint16(len(file.Str))) // ….999999 is before ….1000000
		o.at.in = binary.BigEndian.AppendUint64(append(o.at.in, file.Str...), place.Uint())
		o.at.in = binary.BigEndian.AppendUint64(o.at.in, row.Uint())
	case scn.Exists():
		if n, err := strconv.ParseUint(scn.String(), 10, 64); err == nil {
			o.at.kind, o.at.in = logSCN, binary.BigEndian.AppendUint64(buf, n)
		}
	}
	if schema.Str != "" && o.table != "" {
		o.table = schema.Str + "." + o.table
	}
	return o
}

// clock is the database's time in the finest unit that is there.
type clock struct{ ms, us, ns gjson.Result }

func (c *clock) take(name string, v gjson.Result) {
	switch name {
	case "ts_ms":
		c.ms = v
	case "ts_us":
		c.us = v
	case "ts_ns":
		c.ns = v
	}
}

// read returns ns since the epoch. Times outside of what 64 bits hold become
// the first or the last one.
func (c *clock) read() (int64, bool) {
	for _, unit := range []struct {
		v     gjson.Result
		nanos int64
	}{{c.ns, 1}, {c.us, 1e3}, {c.ms, 1e6}} {
		if unit.v.Type != gjson.Number {
			continue
		}
		n := unit.v.Int()
		switch {
		case n > math.MaxInt64/unit.nanos:
			return math.MaxInt64, true
		case n < math.MinInt64/unit.nanos:
			return math.MinInt64, true
		}
		return n * unit.nanos, true
	}
	return 0, false
}

// flatOrigin reads what ExtractNewRecordState adds to a flattened row:
// __lsn or __source_lsn, __source_ts_ms, __table or __source_table. The time at
// which the connector saw the change counts where the database's is missing.
func flatOrigin(name string, v gjson.Result, o *origin, c *clock, buf []byte) {
	name = strings.TrimPrefix(name, "__")
	word, fromSource := strings.CutPrefix(name, "source_")
	switch {
	case v.Type == gjson.Null:
	case word == "lsn" && v.Type == gjson.Number:
		o.at.kind, o.at.in = logLSN, binary.BigEndian.AppendUint64(buf, v.Uint())
	case word == "table":
		o.table = v.Str
	case fromSource || !c.ms.Exists() && !c.us.Exists() && !c.ns.Exists():
		c.take(word, v)
	}
}
