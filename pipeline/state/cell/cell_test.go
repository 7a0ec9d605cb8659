package cell_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidemark-io/tidemark/pipeline/state/cell"
)

// Values that a type cannot have are errors, and nothing is made up for them.
func TestTypesRefuse(t *testing.T) {
	for _, test := range []struct{ schema, value string }{
		{`{"type":"boolean"}`, `"true"`},
		{`{"type":"int64"}`, `1.5`},
		{`{"type":"int64"}`, `"1"`},
		{`{"type":"int64"}`, `9223372036854775808`},
		{`{"type":"double"}`, `"one"`},
		{`{"type":"double"}`, `true`},
		{`{"type":"string"}`, `1`},
		{`{"type":"bytes"}`, `"*"`},
		{`{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}`, `""`},
		{`{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"99999999"}}`, `"AQ=="`},
		{`{"type":"struct","name":"io.debezium.data.VariableScaleDecimal"}`, `{"scale":-2000000000,"value":"AQ=="}`},
		{`{"type":"int32","name":"io.debezium.time.Date"}`, `9000000000000000000`},
		{`{"type":"int64","name":"io.debezium.time.MicroTime"}`, `-1`},
		{`{"type":"int64","name":"io.debezium.time.MicroTime"}`, `86400000001`},
		{`{"type":"int64","name":"io.debezium.time.Timestamp"}`, `9223372036854775807`},
		{`{"type":"string","name":"io.debezium.time.ZonedTimestamp"}`, `"yesterday"`},
		{`{"type":"string","name":"io.debezium.time.ZonedTimestamp"}`, `5`},
		{`{"type":"string","name":"io.debezium.time.Interval"}`, `"1 day"`},
		{`{"type":"string","name":"io.debezium.data.Uuid"}`, `"x"`},
		{`{"type":"string","name":"io.debezium.data.Json"}`, `"{"`},
		{`{"type":"array","items":{"type":"int32"}}`, `[1,"x"]`},
		{`{"type":"array","items":{"type":"int32"}}`, `5`},
	} {
		typ := cell.ConnectType(gjson.Parse(test.schema))
		if text, kind, err := typ.Append(nil, gjson.Parse(test.value)); err == nil {
			t.Errorf("%s of %s became %s %q", test.value, test.schema, kind, text)
		}
	}
}

func TestInfer(t *testing.T) {
	for value, want := range map[string]string{
		`1`: "bigint 1", `-0`: "bigint 0", `9223372036854775808`: "numeric 9223372036854775808", `1.50`: "numeric 1.50", `1e3`: "numeric 1000",
		`1.5e-3`: "numeric 0.0015", `-0.0`: "numeric 0.0", `12e-1`: "numeric 1.2", `1E+2`: "numeric 100", `0.05e1`: "numeric 0.5", `1e99999`: "text 1e99999",
		`"2024-03-03"`: "text 2024-03-03", `true`: "boolean true", `[1]`: "jsonb [1]", `{"a":1}`: `jsonb {"a":1}`, `"\u00e9\n"`: "text é\n",
	} {
		text, kind := cell.Infer(nil, gjson.Parse(value))
		if got := kind.String() + " " + string(text); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

// Every number that Infer writes is the same number.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"0", "-1.5e-7", "123.4500e2", "1e308", "0.000e9", "-0", "00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := gjson.Parse(text)
		if !json.Valid([]byte(text)) || v.Type != gjson.Number || len(text) > 100 {
			return
		}
		got, kind := cell.Infer(nil, v)
		if kind == cell.Text {
			return
		}
		want, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		have, err2 := strconv.ParseFloat(string(got), 64)
		if want == 0 {
			want = 0 // -0 has no other text than 0
		}
		if err == nil && (err2 != nil || have != want && !(have == 0 && want == 0)) || strings.ContainsAny(string(got), "eE") {
			t.Errorf("%s became %s, %v", text, got, err2)
		}
	})
}

// It does not matter in which order the kinds of a column's cells come.
func TestJoinHasNoOrder(t *testing.T) {
	kinds := []cell.Kind{}
	for k := cell.Unknown; k <= cell.JSON; k++ {
		kinds = append(kinds, k, cell.ArrayOf(k))
	}
	for _, a := range kinds {
		for _, b := range kinds {
			if x, y := cell.Join(a, b), cell.Join(b, a); x != y {
				t.Errorf("%s and %s: %s, or %s", a, b, x, y)
			}
			for _, c := range kinds {
				if x, y := cell.Join(cell.Join(a, b), c), cell.Join(a, cell.Join(b, c)); x != y {
					t.Errorf("%s, %s, %s: %s, or %s", a, b, c, x, y)
				}
			}
		}
	}
}

func TestAs(t *testing.T) {
	for _, test := range []struct {
		to, from   cell.Kind
		text, want string
	}{
		{cell.JSON, cell.Text, `a"b`, `"a\"b"`},
		{cell.JSON, cell.Int, "5", "5"},
		{cell.JSON, cell.Numeric, "NaN", `"NaN"`},
		{cell.JSON, cell.Bytes, "\x00", `"AA=="`},
		{cell.JSON, cell.TimestampTZ, "2024-03-03 12:00:00+00", `"2024-03-03T12:00:00Z"`},
		{cell.JSON, cell.Timestamp, "0044-03-15 12:00:00 BC", `"0044-03-15 12:00:00 BC"`},
		{cell.JSON, cell.ArrayOf(cell.Int), "[1]", "[1]"},
		{cell.Text, cell.Bool, "true", "true"},
		{cell.Text, cell.Bytes, "\xff", `\xff`},
		{cell.Numeric, cell.Float64, "1e+20", "100000000000000000000"},
		{cell.Numeric, cell.Float64, "NaN", "NaN"},
	} {
		if got := string(cell.As(test.to, test.from, []byte(test.text))); got != test.want {
			t.Errorf("%s %q as %s is %s, want %s", test.from, test.text, test.to, got, test.want)
		}
	}
}

func TestCutToMicros(t *testing.T) {
	for text, want := range map[string]string{
		"12:00:00": "12:00:00", "12:00:00.123456": "12:00:00.123456", "12:00:00.123456789": "12:00:00.123456",
		"2024-03-03 12:00:00.000000999+00": "2024-03-03 12:00:00+00", "0044-03-15 00:00:00.120000001 BC": "0044-03-15 00:00:00.12 BC",
	} {
		if got := string(cell.CutToMicros([]byte(text))); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAbsent(t *testing.T) {
	for value, want := range map[string]bool{
		`"__debezium_unavailable_value"`:                                        true,
		`"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="`:                            true,
		`["__debezium_unavailable_value"]`:                                      true,
		`{"__debezium_unavailable_value":"__debezium_unavailable_value"}`:       true,
		`["__debezium_unavailable_value","x"]`:                                  false,
		`{"a":"__debezium_unavailable_value"}`:                                  false,
		`"__debezium_unavailable_value "`:                                       false,
		`5`:                                                                     false,
		`{"__debezium_unavailable_value":"__debezium_unavailable_value","b":1}`: false,
	} {
		if got := cell.IsAbsent(gjson.Parse(value)); got != want {
			t.Errorf("%s: %t", value, got)
		}
	}
}

// Canonical keeps the meaning, and has one text for it.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"b":1,"a":[null,true,"\u0001\ud83d\ude00"],"bb":1.50}`, `"x"`, `[]`, `1e5`, `{"a":1,"a":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) || len(text) > 1000 {
			return
		}
		once, err := cell.Canonical(text)
		if err != nil {
			return
		}
		twice, err := cell.Canonical(once)
		if err != nil || string(once) != string(twice) {
			t.Fatalf("%s, then %s, %v", once, twice, err)
		}
		var a, b any
		if json.Unmarshal(text, &a) == nil && json.Unmarshal(once, &b) == nil && fmt.Sprint(a) != fmt.Sprint(b) && !strings.Contains(fmt.Sprint(a), "-0") {
			t.Fatalf("%s became %s", text, once)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	typ := cell.ConnectType(gjson.Parse(`{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}`))
	stamp := cell.ConnectType(gjson.Parse(`{"type":"int64","name":"io.debezium.time.MicroTimestamp"}`))
	amount, at := gjson.Parse(`"BNI="`), gjson.Parse(strconv.FormatInt(math.MaxInt32*1_000_000, 10))
	var text []byte
	b.ReportAllocs()
	for b.Loop() {
		text, _, _ = typ.Append(text[:0], amount)
		text, _, _ = stamp.Append(text[:0], at)
	}
}
