package cover_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// outcome is what one read gave.
type outcome struct {
	offsets  []int64
	whole    int // pieces that could be taken as they are
	lost     []*cover.LostError
	findings []cover.Finding
	err      error
}

func read(t *testing.T, w *covertest.World, o cover.ReadOptions) outcome {
	t.Helper()
	return readFrom(t, w.Archive(), o)
}

func readFrom(t *testing.T, a *cover.Archive, o cover.ReadOptions) outcome {
	t.Helper()
	var out outcome
	o.Report = func(f cover.Finding) { out.findings = append(out.findings, f) }
	d := recordbatch.NewDecoder(0)
	for piece, err := range a.Read(context.Background(), covertest.Partition, o) {
		if lost := (*cover.LostError)(nil); errors.As(err, &lost) {
			out.lost = append(out.lost, lost)
			continue
		}
		if err != nil {
			out.err = err
			break
		}
		if _, _, ok := piece.Whole(); ok {
			out.whole++
		}
		for rec, err := range piece.Records(d) {
			if err != nil {
				t.Fatal(err)
			}
			if rec.Offset < piece.Base() || rec.Offset >= piece.Next() {
				t.Fatalf("offset %d in a piece of [%d, %d)", rec.Offset, piece.Base(), piece.Next())
			}
			checkRecord(t, rec)
			out.offsets = append(out.offsets, rec.Offset)
		}
	}
	if !slices.IsSorted(out.offsets) || len(slices.Compact(slices.Clone(out.offsets))) != len(out.offsets) {
		t.Fatalf("offsets are not each once and in order: %v", out.offsets)
	}
	return out
}

func checkRecord(t *testing.T, rec recordbatch.Record) {
	t.Helper()
	want := covertest.Record(rec.Offset)
	if !bytes.Equal(rec.Key, want.Key) || !bytes.Equal(rec.Value, want.Value) || rec.Timestamp != want.Timestamp {
		t.Fatalf("offset %d: got %s=%s, want %s=%s", rec.Offset, rec.Key, rec.Value, want.Key, want.Value)
	}
}

// span lists the offsets [base, next).
func span(base, next int64) []int64 {
	var out []int64
	for o := base; o < next; o++ {
		out = append(out, o)
	}
	return out
}

func (o outcome) want(t *testing.T, offsets []int64) {
	t.Helper()
	if o.err != nil {
		t.Fatalf("read: %v", o.err)
	}
	if !slices.Equal(o.offsets, offsets) {
		t.Errorf("offsets %v, want %v", o.offsets, offsets)
	}
}

func (o outcome) wantLost(t *testing.T, ranges ...cover.Offsets) {
	t.Helper()
	var got []cover.Offsets
	for _, l := range o.lost {
		got = append(got, l.Offsets)
	}
	if !slices.Equal(got, ranges) {
		t.Errorf("lost %v, want %v", got, ranges)
	}
}

// wantFindings compares kinds and regions, in order.
func (o outcome) wantFindings(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, f := range o.findings {
		text := string(f.Kind)
		if f.Region != "" {
			text += " " + f.Region
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("findings %v, want %v", got, want)
	}
}

func kindOf(t *testing.T, err error) cover.Kind {
	t.Helper()
	c := (*cover.CopyError)(nil)
	if !errors.As(err, &c) {
		t.Fatalf("got %v, want a *cover.CopyError", err)
	}
	return c.Kind()
}

func TestKindOfADamagedBody(t *testing.T) {
	err := error(&cover.CopyError{Err: fmt.Errorf("get: %w", object.ErrDamaged)})
	if kind := kindOf(t, err); kind != cover.KindDamaged {
		t.Errorf("a body with another checksum is %s", kind)
	}
}
