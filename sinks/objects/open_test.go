package objects_test

import (
	"path/filepath"
	"testing"

	"github.com/tidemark-io/tidemark/sinks/objects"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for address, name := range map[string]string{
		"file://" + dir + "/abs":                       "file://" + dir + "/abs",
		"file:rel/ative":                               "file://" + filepath.Join(dir, "rel/ative"),
		"file:with%20space":                            "file://" + filepath.Join(dir, "with space"),
		"memory:a":                                     "memory:a",
		"s3://b?region=eu-west-1":                      "s3://b",
		"s3://b/p/q/?endpoint=http://127.0.0.1:1":      "s3://b/p/q",
		"s3://b/p?region=r&path_style=true&insecure=0": "s3://b/p",
	} {
		s, err := objects.Open(t.Context(), address, objects.Options{Create: true})
		if err != nil {
			t.Errorf("open %s: %v", address, err)
			continue
		}
		if s.Name() != name {
			t.Errorf("open %s: name %s, want %s", address, s.Name(), name)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close %s: %v", address, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, address := range []string{"", "b/p", "http://host/b", "file:", "file://dir/x", "file:///x?y=z", "s3://", "s3:b",
		"s3://b", "s3://b?region=", "s3://b?region=r&region=s", "s3://b?region=r&reigon=s", "s3://b?endpoint=host:9000",
		"s3://b?endpoint=ftp://h", "s3://b?endpoint=https://h/path", "s3://b?endpoint=https://u:p@h", "s3://b?region=r&insecure=maybe",
		"s3://b/../c?region=r", "s3://b?region=r&ca_file=absent.pem", "s3://AK:secret@b?region=r"} {
		if s, err := objects.Open(t.Context(), address, objects.Options{}); err == nil || s != nil {
			t.Errorf("open %q: %v, want an error and nothing", address, s)
		}
	}
}
