package segment_test

import (
	"bytes"
	"testing"

	"github.com/tidemark-io/tidemark/codec/segment"
)

// FuzzOpen: nothing opens but what an archiver signed, whatever the bytes.
func FuzzOpen(f *testing.F) {
	data, batches := small(f)
	trust, _ := newTrust(f, archiveID)
	f.Add(data)
	f.Add(data[len(data)-200:])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := segment.Open(bytes.NewReader(b), int64(len(b)), trust)
		if err != nil {
			if r != nil {
				t.Fatal("a reader in spite of an error")
			}
			return
		}
		if readAll(b, trust, batches) == nil && r.CRC32C() != open(t, b).CRC32C() {
			t.Fatal("one segment, two checksums")
		}
	})
}

// FuzzForged signs whatever the fuzzer makes of footer and blocks: no panic,
// and no bytes but those that were sealed.
func FuzzForged(f *testing.F) {
	data, batches := small(f)
	trust, _ := newTrust(f, archiveID)
	f.Add(uint16(300), byte(1), uint16(600), byte(255))
	f.Fuzz(func(t *testing.T, at1 uint16, x1 byte, at2 uint16, x2 byte) {
		forged := forge(t, data, func(b []byte, _ int) {
			b[int(at1)%(len(b)-trailerSize)] ^= x1
			b[int(at2)%(len(b)-trailerSize)] ^= x2
		})
		if err := readAll(forged, trust, batches); err == errLeak {
			t.Fatal(err)
		}
	})
}
