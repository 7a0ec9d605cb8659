package spool_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidemark-io/tidemark/pipeline/spool"
)

func TestFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	s, err := spool.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for i := range 3000 {
		b := bytes.Repeat([]byte{byte(i)}, i)
		if n, err := s.Write(b); n != i || err != nil {
			t.Fatal(n, err)
		}
		want = append(want, b...)
	}
	for range 2 {
		got, err := s.Bytes()
		if err != nil || !bytes.Equal(got, want) || s.Size() != int64(len(want)) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestEmpty(t *testing.T) {
	s, err := spool.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.Bytes(); len(b) != 0 || err != nil {
		t.Error(b, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
