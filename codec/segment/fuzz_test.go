package segment

import (
	"bytes"
	"testing"
)

// FuzzHeader: what is read as a header encodes to the same bytes.
func FuzzHeader(f *testing.F) {
	f.Add(soundHeader().appendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, raw, err := decodeHeader(b)
		if err != nil {
			if h != (Header{}) || raw != nil {
				t.Fatal("a header in spite of an error")
			}
			return
		}
		if !bytes.Equal(h.appendTo(nil), raw) || !bytes.HasPrefix(b, raw) {
			t.Fatalf("%x encodes as %x", raw, h.appendTo(nil))
		}
	})
}

// FuzzFooter: what is read as a footer encodes to the same bytes.
func FuzzFooter(f *testing.F) {
	f.Add(soundFooter().appendTo(nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		footer, err := decodeFooter(b)
		if err != nil {
			if footer != nil {
				t.Fatal("a footer in spite of an error")
			}
			return
		}
		if again := footer.appendTo(nil, nil); !bytes.Equal(again, b) {
			t.Fatalf("%x encodes as %x", b, again)
		}
		_ = footer.validate(soundHeader(), 200, 450)
	})
}
