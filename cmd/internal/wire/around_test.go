package wire

import (
	"errors"
	"io/fs"
	"log/slog"
	"testing"

	"github.com/tidemark-io/tidemark/codec/signed"
)

// TestRow81RegionOfAnotherArchive: who reads goes around it as long as another region vouches; who writes refuses.
func TestRow81RegionOfAnotherArchive(t *testing.T) {
	foreign, fine, absent := introduction{"a", signed.ErrSignature}, introduction{"b", nil}, introduction{"b", fs.ErrNotExist}
	for name, c := range map[string]struct {
		mode  Mode
		known []introduction
		want  error
	}{
		"a reader, another vouches":   {ForReading, []introduction{foreign, fine}, nil},
		"a proof, another vouches":    {ForProof, []introduction{fine, foreign}, nil},
		"a reader, nobody vouches":    {ForReading, []introduction{absent, foreign}, signed.ErrSignature},
		"a writer":                    {ForWriting, []introduction{fine, foreign}, signed.ErrSignature},
		"who writes roll-ups":         {ForBulk, []introduction{fine, foreign}, signed.ErrSignature},
		"one is absent":               {ForWriting, []introduction{absent, fine}, nil},
		"one has said nothing so far": {ForReading, []introduction{fine}, nil},
		"none is there":               {ForReading, []introduction{absent}, fs.ErrNotExist},
	} {
		a := &Archive{Log: slog.New(slog.DiscardHandler), mode: c.mode}
		if err := a.identified(c.known); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
