package export

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// The readers below know the formats by their description alone.

// jsonRecord is a line as kcat documents it.
type jsonRecord struct {
	Topic         string    `json:"topic"`
	Partition     int32     `json:"partition"`
	Offset        int64     `json:"offset"`
	Type          string    `json:"tstype"`
	Timestamp     int64     `json:"ts"`
	Headers       []*string `json:"headers"`
	HeadersBase64 [][]byte  `json:"headers_base64"`
	Key           *string   `json:"key"`
	KeyBase64     []byte    `json:"key_base64"`
	Payload       *string   `json:"payload"`
	PayloadBase64 []byte    `json:"payload_base64"`
}

func readJSON(t testing.TB, b []byte) []entry {
	t.Helper()
	var got []entry
	lines := json.NewDecoder(bytes.NewReader(b))
	for lines.More() {
		var r jsonRecord
		if err := lines.Decode(&r); err != nil || r.Topic != "old.orders" {
			t.Fatalf("%+v, %v", r, err)
		}
		e := entry{Partition: r.Partition, Type: r.Type}
		e.Offset, e.Timestamp = r.Offset, r.Timestamp
		e.Key, e.Value = either(r.Key, r.KeyBase64), either(r.Payload, r.PayloadBase64)
		flat := r.HeadersBase64
		for _, h := range r.Headers {
			flat = append(flat, either(h, nil))
		}
		e.Headers = pairs(flat)
		got = append(got, e)
	}
	return got
}

func either(text *string, raw []byte) []byte {
	if text != nil {
		return []byte(*text)
	}
	return raw
}

func pairs(flat [][]byte) []recordbatch.RecordHeader {
	var hs []recordbatch.RecordHeader
	for i := 0; i+1 < len(flat); i += 2 {
		hs = append(hs, recordbatch.RecordHeader{Key: flat[i], Value: flat[i+1]})
	}
	return hs
}

func readCSV(t testing.TB, b []byte) []entry {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []entry
	for _, row := range rows[1:] {
		cell := map[string]string{}
		for i, name := range rows[0] {
			cell[name] = row[i]
			if as := row[i]; as != "" && name != "offset" && name != "ts" && bytes.ContainsAny([]byte(as[:1]), "=+-@\t\r\n") {
				t.Errorf("a spreadsheet would run the cell %q", as)
			}
		}
		e := entry{Partition: int32(number(t, cell["partition"])), Type: cell["tstype"]}
		e.Offset, e.Timestamp = number(t, cell["offset"]), number(t, cell["ts"])
		e.Key, e.Value = decodeCell(t, cell["key_as"], cell["key"]), decodeCell(t, cell["payload_as"], cell["payload"])
		e.Headers = csvHeaders(t, cell["headers_as"], cell["headers"])
		got = append(got, e)
	}
	return got
}

func number(t testing.TB, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func decodeCell(t testing.TB, as, cell string) []byte {
	t.Helper()
	switch as {
	case "null":
		if cell != "" {
			t.Errorf("a null cell holds %q", cell)
		}
		return nil
	case "text":
		return []byte(cell)
	case "guarded":
		if cell[0] != '\'' {
			t.Errorf("a guarded cell holds %q", cell)
		}
		return []byte(cell[1:])
	case "base64":
		b, err := base64.StdEncoding.DecodeString(cell)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	t.Fatalf("a cell is to be read as %q", as)
	return nil
}

func csvHeaders(t testing.TB, as, cell string) []recordbatch.RecordHeader {
	t.Helper()
	var flat []*string
	if as == "null" {
		return nil
	}
	if err := json.Unmarshal([]byte(cell), &flat); err != nil {
		t.Fatal(err)
	}
	var raw [][]byte
	for _, h := range flat {
		if h == nil {
			raw = append(raw, nil)
		} else {
			raw = append(raw, decodeCell(t, as, *h))
		}
	}
	return pairs(raw)
}

func readParquet(t testing.TB, b []byte) []entry {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var got []entry
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		page := make([]parquet.Row, 3)
		for err == nil {
			var n int
			n, err = rows.ReadRows(page)
			for _, row := range page[:n] {
				got = append(got, parquetEntry(t, f.Schema(), row))
			}
		}
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if err = rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// parquetEntry finds the columns by their names.
func parquetEntry(t testing.TB, s *parquet.Schema, row parquet.Row) entry {
	t.Helper()
	columns := map[string][]parquet.Value{}
	for _, v := range row {
		name := strings.Join(s.Columns()[v.Column()], ".")
		columns[name] = append(columns[name], v.Clone())
	}
	one := func(name string) parquet.Value {
		if len(columns[name]) != 1 {
			t.Fatalf("column %s has %d values in a row", name, len(columns[name]))
		}
		return columns[name][0]
	}
	if topic := one("topic").String(); topic != "old.orders" {
		t.Errorf("topic %q", topic)
	}
	e := entry{Partition: one("partition").Int32(), Type: one("timestamp_type").String()}
	e.Offset, e.Timestamp = one("offset").Int64(), one("timestamp").Int64()
	e.Key, e.Value = orNil(one("key")), orNil(one("value"))
	keys, values := columns["headers.list.element.key"], columns["headers.list.element.value"]
	for i, key := range keys {
		if !key.IsNull() {
			e.Headers = append(e.Headers, recordbatch.RecordHeader{Key: orNil(key), Value: orNil(values[i])})
		}
	}
	return e
}

func orNil(v parquet.Value) []byte {
	if v.IsNull() {
		return nil
	}
	return append([]byte{}, v.ByteArray()...)
}

// readLog checks every batch as a broker does that loads the log.
func readLog(t testing.TB, partition int32, b []byte) []entry {
	t.Helper()
	var got []entry
	d := recordbatch.NewDecoder(0)
	next := int64(0)
	for batch, err := range recordbatch.All(b) {
		if err != nil {
			t.Fatal(err)
		}
		if batch.BaseOffset < next || batch.IsTransactional() || batch.IsControl() {
			t.Errorf("batch at offset %d, after %d: transactional %t", batch.BaseOffset, next, batch.IsTransactional())
		}
		next = batch.NextOffset()
		kind := "create"
		if batch.LogAppendTime() {
			kind = "logappend"
		}
		for rec, err := range d.Records(batch.Bytes) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, entry{partition, kind, clone(rec)})
		}
	}
	return got
}

func clone(r recordbatch.Record) recordbatch.Record {
	r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	var hs []recordbatch.RecordHeader
	for _, h := range r.Headers {
		hs = append(hs, recordbatch.RecordHeader{Key: bytes.Clone(h.Key), Value: bytes.Clone(h.Value)})
	}
	r.Headers = hs
	return r
}

// readExport reads what a manifest names, and holds each file to it.
func readExport(t testing.TB, dir string) []entry {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	var all []entry
	for _, p := range m.Partitions {
		before := len(all)
		for _, f := range p.Files {
			all = append(all, readFile(t, dir, m.Format, p.Number, f)...)
		}
		if n := int64(len(all) - before); n != p.Records {
			t.Errorf("partition %d has %d records, the manifest says %d", p.Number, n, p.Records)
		}
	}
	if int64(len(all)) != m.Records {
		t.Errorf("%d records, the manifest says %d", len(all), m.Records)
	}
	if _, err := os.Stat(filepath.Join(dir, journalName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is still there: %v", err)
	}
	return all
}

func readFile(t testing.TB, dir string, f Format, partition int32, file File) []entry {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, file.Name))
	if err != nil {
		t.Fatal(err)
	}
	got := map[Format]func() []entry{
		JSONLines: func() []entry { return readJSON(t, b) },
		CSV:       func() []entry { return readCSV(t, b) },
		Parquet:   func() []entry { return readParquet(t, b) },
		Log:       func() []entry { return readLog(t, partition, b) },
	}[f]()
	if len(got) == 0 || int64(len(got)) != file.Records || got[0].Offset != file.FirstOffset || got[len(got)-1].Offset != file.LastOffset {
		t.Errorf("%s holds %d records, the manifest says %+v", file.Name, len(got), file)
	}
	return got
}
