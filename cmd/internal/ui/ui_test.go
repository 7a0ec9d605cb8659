package ui

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	var out bytes.Buffer
	table := NewTable(&out, "topic", "records", "state")
	table.Row("orders", 5, "whole")
	table.Row("cdc.grüße", 12345, "")
	table.Row("bad\n\x1b[2Jname", -1, "gap")
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `TOPIC          RECORDS  STATE
orders               5  whole
cdc.grüße        12345
bad; �[2Jname       -1  gap
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestTableWithoutHeader(t *testing.T) {
	var out bytes.Buffer
	table := NewTable(&out)
	table.Row("archive", 1)
	table.Row("offsets", "[0, 5)")
	if err := table.Flush(); err != nil || out.String() != "archive  1\noffsets  [0, 5)\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]int64{
		"2026-11-21T09:30:00Z":           1795253400000,
		"2026-11-21 11:30:00.123+02:00":  1795253400123,
		"1795253400123":                  1795253400123,
		"0":                              0,
		"-1":                             -1,
		"2200-01-01T00:00:00Z":           7258118400000,
		"2026-11-21T09:30:00.999999999Z": 1795253400999,
	} {
		got, err := ParseTime(text)
		if err != nil || got.UnixMilli() != want {
			t.Errorf("%s: got %d, %v; want %d", text, got.UnixMilli(), err, want)
		}
	}
	for text, want := range map[string]string{
		"2026-11-21T09:30:00":  "no zone",
		"2026-11-21 09:30:00":  "no zone",
		"1795253400":           "looks like seconds: want Unix milliseconds, 1795253400000",
		"yesterday":            "want RFC 3339",
		"":                     "want RFC 3339",
		"2026-13-21T09:30:00Z": "want RFC 3339",
	} {
		if _, err := ParseTime(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1, 0)
	p := &Progress{w: &out, name: "restore", width: func() int { return 20 }, now: func() time.Time { return now }}
	p.Update("%d", 1)
	p.Update("%d", 2) // too soon
	now = now.Add(redraw)
	p.Update("a very long line\nthat would wrap")
	p.Done()
	p.Done()
	now = now.Add(redraw)
	p.Update("after the end")
	want := clearLine + "restore: 1" + clearLine + "restore: a very lon" + clearLine
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

func TestProgressIsSilentWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, "restore", false)
	p.Update("x")
	p.Done()
	if out.Len() != 0 {
		t.Errorf("wrote %q", out.String())
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1 << 20: "1.0 MiB", -2048: "-2.0 KiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
