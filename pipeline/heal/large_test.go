package heal_test

import (
	"context"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/heal"
)

// What is too large for memory passes through a file, byte for byte, and no bad
// block passes at all.
func TestLarge(t *testing.T) {
	w := covertest.New(t)
	row := w.Row(0, 3)
	w.B.Remove(row[0].Name.String())
	w.A.Remove(row[1].Name.String())
	w.B.Remove(row[2].Name.String())
	w.A.Put(row[2].Name.String(), covertest.SameCRC(row[2].Data, int(row[2].Footer.Blocks[0].Position)+20))
	h := heal.New(w.Archive(), heal.Targets{Stores: map[string]heal.Store{"a": w.A, "b": w.B}, Keys: w, Spool: t.TempDir()})
	h.SetMemory(1)
	r, err := h.Run(context.Background(), heal.Options{})
	if err != nil || r.Objects != 2 || !slices.Equal(kinds(r.Findings), []string{"damaged a"}) {
		t.Errorf("%+v, %v", r, err)
	}
	if w.B.Object(row[2].Name.String()) != nil {
		t.Error("a bad object was copied")
	}
	for _, s := range row[:2] {
		if string(w.A.Object(s.Name.String())) != string(s.Data) || string(w.B.Object(s.Name.String())) != string(s.Data) {
			t.Errorf("%s differs", s.Name)
		}
	}
}
