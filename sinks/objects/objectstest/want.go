package objectstest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/tidemark-io/tidemark/codec/object"
	"github.com/tidemark-io/tidemark/sinks/objects"
)

func put(t testing.TB, s objects.Store, key string, body []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, body, objects.PutOptions{}); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func wantBody(t testing.TB, s objects.Store, key string, want []byte) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("get %q: %d bytes, %v, want %d", key, len(got), err, len(want))
	}
}

func wantIs(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v, want %v", err, target)
	}
}

func list(t testing.TB, s objects.Store, prefix, after string) []string {
	t.Helper()
	var keys []string
	for info, err := range s.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatalf("list %q after %q: %v", prefix, after, err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func versions(t testing.TB, s objects.Store, key string) []object.Info {
	t.Helper()
	var all []object.Info
	for info, err := range s.Versions(t.Context(), key) {
		if err != nil {
			t.Fatalf("versions of %q: %v", key, err)
		}
		all = append(all, info)
	}
	return all
}
