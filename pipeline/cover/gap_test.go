package cover_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

func trustOf(t *testing.T, w *covertest.World) *signed.Trust {
	t.Helper()
	trust, err := signed.NewTrust(w.ID, w.Root.Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Introduce(w.Introduction(w.Archiver)); err != nil {
		t.Fatal(err)
	}
	return trust
}

func TestGap(t *testing.T) {
	w := covertest.New(t)
	trust := trustOf(t, w)
	in := cover.Gap{
		Archive: w.ID, Partition: covertest.Partition, Base: 7, Next: 9, Reason: "retention",
		At: time.Unix(1_790_000_000, 0).UTC(), Prev: names.Digest{3},
	}
	name, digest, file, err := cover.SealGap(w.Archiver, in)
	if err != nil {
		t.Fatal(err)
	}
	out, got, err := cover.OpenGap(name, file, trust)
	if err != nil || out != in || got != digest || name.Digest != digest.Short() {
		t.Errorf("got %+v, %v; want %+v", out, err, in)
	}
	moved := name
	moved.Partition.Number++
	if _, _, err := cover.OpenGap(moved, file, trust); !errors.Is(err, segment.ErrName) {
		t.Errorf("under another partition: %v", err)
	}
	flipped := append([]byte(nil), file...)
	flipped[20] ^= 1
	if _, _, err := cover.OpenGap(name, flipped, trust); !errors.Is(err, signed.ErrSignature) {
		t.Errorf("flipped: %v", err)
	}
	if _, _, err := cover.OpenGap(name, file[:40], trust); !errors.Is(err, segment.ErrDamaged) {
		t.Errorf("cut short: %v", err)
	}
	in.Archive = names.ArchiveID{9}
	name, _, file, err = cover.SealGap(w.Archiver, in)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := cover.OpenGap(name, file, trust); !errors.Is(err, signed.ErrSignature) {
		t.Errorf("another archive's: %v", err)
	}
	in.Next = in.Base
	if _, _, _, err := cover.SealGap(w.Archiver, in); err == nil {
		t.Error("an empty gap was sealed")
	}
}
