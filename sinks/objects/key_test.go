package objects_test

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/sinks/objects"
)

// FuzzCheckKey: a key that passes is one path below the root, with one
// spelling, in a URL as on a disk.
func FuzzCheckKey(f *testing.F) {
	for _, key := range []string{"a", "a/b.seg", "..", "a/../b", "%2e", "a\x00", "/a", "a\\b", strings.Repeat("x", 300)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if objects.CheckKey(key) != nil {
			return
		}
		if !filepath.IsLocal(key) || path.Clean(key) != key || key == "." || len(key) > 896 || strings.ContainsAny(key, "%\\ \x00\n?#") {
			t.Errorf("%q passes", key)
		}
	})
}
