package vectors_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// TestVectors holds package segment to vectors.json.
func TestVectors(t *testing.T) {
	m := loadManifest(t)
	trust := m.trust(t)
	seen := map[string]int{}
	for _, v := range m.Vectors {
		t.Run(v.File, func(t *testing.T) {
			data, err := os.ReadFile(v.File)
			if err != nil {
				t.Fatal(err)
			}
			r, log, err := readAll(t, v, data, trust)
			if got := outcome(err); got != v.Outcome {
				t.Fatalf("%s: outcome %q (%v), want %q", v.About, got, err, v.Outcome)
			}
			seen[v.Outcome]++
			if err == nil {
				checkGood(t, v, r, log)
			}
		})
	}
	for _, o := range []string{"ok", "damaged", "signature", "version", "name", "wrong-key"} {
		if seen[o] == 0 {
			t.Errorf("no vector with outcome %q", o)
		}
	}
}

func (m manifest) trust(t testing.TB) *signed.Trust {
	t.Helper()
	trust, err := signed.NewTrust(m.Archive, m.Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Signers {
		if _, err := trust.Introduce([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	return trust
}

// readAll reads in the order of FORMAT.md and returns the first error.
func readAll(t *testing.T, v vector, data []byte, trust *signed.Trust) (*segment.Reader, []byte, error) {
	r, err := segment.Open(bytes.NewReader(data), int64(len(data)), trust)
	if err != nil {
		return nil, nil, err
	}
	if err := r.CheckName(v.Name); err != nil {
		return nil, nil, err
	}
	var log []byte
	for i := range r.Footer().Blocks {
		body, err := r.Block(i, v.secret(t), nil)
		if err != nil {
			return nil, nil, err
		}
		if _, err := r.Filter(i, v.secret(t)); err != nil {
			return nil, nil, err
		}
		log = append(log, body...)
	}
	return r, log, nil
}

func outcome(err error) string {
	for name, class := range map[string]error{
		"damaged": segment.ErrDamaged, "version": segment.ErrVersion, "name": segment.ErrName,
		"wrong-key": segment.ErrWrongKey, "signature": signed.ErrSignature,
	} {
		if errors.Is(err, class) {
			return name
		}
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

func checkGood(t *testing.T, v vector, r *segment.Reader, log []byte) {
	sum := sha256.Sum256(log)
	if n := len(r.Footer().Blocks); n != v.Blocks || hex.EncodeToString(sum[:]) != v.LogSHA256 {
		t.Errorf("%d blocks, log %x; want %d, %s", n, sum, v.Blocks, v.LogSHA256)
	}
	for b, err := range recordbatch.All(log) {
		if err != nil {
			t.Errorf("log: batch at %d: %v", b.BaseOffset, err)
		}
	}
	for _, key := range v.Present {
		if !anyFilter(t, v, r, key) {
			t.Errorf("filters miss %q", key)
		}
	}
	for _, key := range v.Absent {
		if anyFilter(t, v, r, key) {
			t.Errorf("filters let %q through", key)
		}
	}
	for _, f := range v.Fields {
		for _, value := range f.Present {
			if !anyField(t, v, r, f.id(), value) {
				t.Errorf("filters miss %q of %v", value, f.Paths)
			}
		}
		for _, value := range f.Absent {
			if anyField(t, v, r, f.id(), value) {
				t.Errorf("filters let %q of %v through", value, f.Paths)
			}
		}
	}
}

// anyField is anyFilter for a value of a field, of the filters that cover it.
func anyField(t *testing.T, v vector, r *segment.Reader, id block.FieldID, value string) bool {
	for i := range r.Footer().Blocks {
		f, err := r.Filter(i, v.secret(t))
		if err != nil {
			t.Fatal(err)
		}
		if field := f.Field(id); field != nil && field.Contains([]byte(value)) {
			return true
		}
	}
	return false
}

func anyFilter(t *testing.T, v vector, r *segment.Reader, key string) bool {
	for i := range r.Footer().Blocks {
		f, err := r.Filter(i, v.secret(t))
		if err != nil {
			t.Fatal(err)
		}
		if f.Contains([]byte(key)) {
			return true
		}
	}
	return false
}
