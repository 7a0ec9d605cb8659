package objects

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestLate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "region")
	s := Late("file://region", func() (Store, error) { return opened(OpenDir(dir, DirOptions{})) })
	defer s.Close()
	_, err := s.Get(t.Context(), "x")
	if failed := (*Error)(nil); !errors.As(err, &failed) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get from a store that is not there: %v, want an error of the store, not an absence", err)
	}
	for _, err := range s.List(t.Context(), "", "") {
		if err == nil {
			t.Error("a store that is not there listed something")
		}
	}
	if err := s.Put(t.Context(), "x", []byte("1"), PutOptions{}); err == nil {
		t.Error("put into a store that is not there")
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "x", []byte("1"), PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), "x"); err != nil || string(got) != "1" {
		t.Errorf("get %q, %v", got, err)
	}
}
