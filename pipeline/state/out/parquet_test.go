package out_test

import (
	"bytes"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/tidemark-io/tidemark/pipeline/state/out"
)

func openParquet(t *testing.T, text string) *parquet.File {
	t.Helper()
	f, err := parquet.OpenFile(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// cells reads all rows.
func cells(t *testing.T, f *parquet.File) []parquet.Row {
	t.Helper()
	r := parquet.NewReader(f)
	defer r.Close()
	var rows []parquet.Row
	for {
		var row [1]parquet.Row
		n, err := r.ReadRows(row[:])
		if n == 1 {
			rows = append(rows, row[0].Clone())
		}
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestParquet(t *testing.T) {
	decimal := `"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}`
	table := typed(t,
		column{"z", `"type":"string"`, []string{`"text"`, `""`}},
		column{"dec", decimal, []string{`"BNI="`, `"/4U="`}},
		column{"day", `"type":"int32","name":"io.debezium.time.Date"`, []string{"19785", "null"}},
		column{"odd", `"type":"int32","name":"io.debezium.time.Date"`, []string{"2932897", "0"}},
		column{"time", `"type":"int64","name":"io.debezium.time.MicroTime"`, []string{"3723000100", "null"}},
		column{"ts", `"type":"int64","name":"io.debezium.time.MicroTimestamp"`, []string{"1709467200123456", "null"}},
		column{"zts", `"type":"string","name":"io.debezium.time.ZonedTimestamp"`, []string{`"2024-03-03T12:00:00.5+01:00"`, "null"}},
		column{"nts", `"type":"int64","name":"io.debezium.time.NanoTimestamp"`, []string{"1", "null"}},
		column{"f", `"type":"double"`, []string{`"NaN"`, "0.5"}},
		column{"raw", `"type":"bytes"`, []string{`"AP8="`, "null"}},
		column{"uuid", `"type":"string","name":"io.debezium.data.Uuid"`, []string{`"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`, "null"}},
		column{"json", `"type":"string","name":"io.debezium.data.Json"`, []string{`"{\"a\":1}"`, "null"}},
		column{"yes", `"type":"boolean"`, []string{"true", "null"}},
	)
	f := openParquet(t, write(t, table, out.Options{Format: out.Parquet}))
	want := []string{"id INT(64,true)", "z STRING", "dec DECIMAL(4,2)", "day DATE", "odd STRING", "time TIME(isAdjustedToUTC=false,unit=MICROS)",
		"ts TIMESTAMP(isAdjustedToUTC=false,unit=MICROS)", "zts TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)", "nts STRING", "f DOUBLE", "raw BYTE_ARRAY", "uuid UUID", "json JSON", "yes BOOLEAN"}
	for i, field := range f.Schema().Fields() {
		if got := field.Name() + " " + field.Type().String(); got != want[i] && got != strings.Replace(want[i], "INT(64,true)", "INT64", 1) {
			t.Errorf("column %d is %s, want %s", i, got, want[i])
		}
		if !field.Optional() {
			t.Errorf("%s takes no null", field.Name())
		}
	}
	rows := cells(t, f)
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	one, two := rows[0], rows[1]
	if got := new(big.Int).SetBytes(one[2].ByteArray()); got.Int64() != 1234 {
		t.Errorf("the decimal is %s", got)
	}
	if got := two[2].ByteArray(); !bytes.Equal(got[14:], []byte{0xff, 0x85}) || got[0] != 0xff {
		t.Errorf("the negative decimal is %x", got)
	}
	for i, ok := range map[int]bool{
		1: string(one[1].ByteArray()) == "text" && len(two[1].ByteArray()) == 0 && !two[1].IsNull(),
		3: one[3].Int32() == 19785 && two[3].IsNull(), 4: string(one[4].ByteArray()) == "10000-01-01", 5: one[5].Int64() == 3723000100,
		6: one[6].Int64() == 1709467200123456, 7: time.UnixMicro(one[7].Int64()).UTC().Format(time.RFC3339Nano) == "2024-03-03T11:00:00.5Z",
		8: string(one[8].ByteArray()) == "1970-01-01 00:00:00.000000001", 9: one[9].Double() != one[9].Double() && two[9].Double() == 0.5,
		10: string(one[10].ByteArray()) == "\x00\xff", 11: one[11].ByteArray()[0] == 0xa0, 12: string(one[12].ByteArray()) == `{"a":1}`, 13: one[13].Boolean() && two[13].IsNull(),
	} {
		if !ok {
			t.Errorf("column %s: %v, %v", want[i], one[i], two[i])
		}
	}
}

func TestParquetOfLongDecimalsAndMixtures(t *testing.T) {
	table := tableOf(t, `{"id":1,"n":1.5,"long":12345678901234567890123456789012345678.9,"mixed":1}`, `{"id":2,"n":100,"long":1,"mixed":"x"}`)
	f := openParquet(t, write(t, table, out.Options{Format: out.Parquet}))
	var types []string
	for _, field := range f.Schema().Fields() {
		types = append(types, field.Type().String())
	}
	if got := strings.Join(types[1:], " "); got != "DECIMAL(4,1) STRING STRING" {
		t.Errorf("types %s", got)
	}
	rows := cells(t, f)
	if got := new(big.Int).SetBytes(rows[1][1].ByteArray()); got.Int64() != 1000 {
		t.Errorf("100 is %s tenths", got)
	}
}
