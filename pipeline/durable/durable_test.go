package durable

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "state.json")
	for _, want := range []string{"first and longer", "second"} {
		if err := Replace(file, []byte(want)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil || string(got) != want {
			t.Errorf("the file holds %q, want %q: %v", got, want, err)
		}
	}
	expectAlone(t, dir, "state.json")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v: %v", info.Mode(), err)
	}
}

// TestReplaceFails: what cannot be put in place leaves nothing behind.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(taken, []byte("a folder is there")); err == nil {
		t.Error("a folder was replaced")
	}
	expectAlone(t, dir, "taken")
	if err := Replace(filepath.Join(dir, "nowhere", "file"), nil); err == nil {
		t.Error("a file in a folder that is not there was written")
	}
}

func TestIsTemporary(t *testing.T) {
	if !IsTemporary(".tidemark-123") || IsTemporary("state.json") {
		t.Error("names are told apart wrongly")
	}
}

func expectAlone(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the folder holds %v: %v", entries, err)
	}
}
