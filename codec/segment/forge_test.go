package segment_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// These tests change segments as someone could who holds the archiver's signing
// key but not the secrets: the signature is always right.

const (
	trailerSize = 84
	entrySize   = 170
)

// forge lets change edit a copy of a segment, given where its entries begin,
// and signs it again.
func forge(t testing.TB, data []byte, change func(data []byte, entries int)) []byte {
	t.Helper()
	_, archiver := newTrust(t, archiveID)
	data = bytes.Clone(data)
	end := len(data) - trailerSize
	footer := end - int(binary.BigEndian.Uint32(data[end+72:]))
	header := int(binary.BigEndian.Uint32(data[10:]))
	change(data, footer+header+72)
	digest := sha256.Sum256(data[footer:end])
	id := archiver.ID()
	copy(data[end:], id[:])
	copy(data[end+8:], archiver.Sign(signed.KindSegment, digest[:]))
	return data
}

// twins is a segment of two blocks of the same length.
func twins(t testing.TB) []byte {
	t.Helper()
	return write(t, testHeader(), segment.Options{BlockSize: 1},
		batchOf(t, recordbatch.Options{BaseOffset: 100}, 3), batchOf(t, recordbatch.Options{BaseOffset: 103}, 3)).Data
}

func wantBlock(t *testing.T, data []byte, n int, want error) {
	t.Helper()
	body, err := open(t, data).Block(n, secret, nil)
	if body != nil || !errors.Is(err, want) {
		t.Errorf("block %d: %d bytes, error %v, want %v", n, len(body), err, want)
	}
}

func TestSwappedBlocksDoNotOpen(t *testing.T) {
	data := forge(t, twins(t), func(b []byte, at int) {
		size := int(binary.BigEndian.Uint32(b[at+8:]))
		first := int(binary.BigEndian.Uint64(b[at:]))
		swap(b[first:first+size], b[first+size:first+2*size])
		swap(b[at+62:at+94], b[at+entrySize+62:at+entrySize+94])
	})
	wantBlock(t, data, 0, segment.ErrDamaged)
	wantBlock(t, data, 1, segment.ErrDamaged)
}

func swap(a, b []byte) {
	c := bytes.Clone(a)
	copy(a, b)
	copy(b, c)
}

// TestBlockOfAnotherSegment puts a block of a segment with the same secret and
// offsets, but another partition, in place of our own (fault 48).
func TestBlockOfAnotherSegment(t *testing.T) {
	h := testHeader()
	h.Partition++
	batch := batchOf(t, recordbatch.Options{BaseOffset: 100}, 3)
	other := write(t, h, segment.Options{}, batch).Data
	own := write(t, testHeader(), segment.Options{}, batch).Data
	transplant := func(commitment bool) []byte {
		return forge(t, own, func(b []byte, at int) {
			from := int(binary.BigEndian.Uint64(b[at:]))
			copy(b[from:], other[from:from+int(binary.BigEndian.Uint32(b[at+8:]))])
			digests := 32
			if commitment {
				digests = 64
			}
			copy(b[at+62:at+62+digests], other[at+62:])
		})
	}
	wantBlock(t, transplant(false), 0, segment.ErrDamaged)
	wantBlock(t, transplant(true), 0, segment.ErrWrongKey)
}

// TestOffsetsAreBound moves the end of a block in the footer: GCM knows it.
func TestOffsetsAreBound(t *testing.T) {
	data := forge(t, twins(t), func(b []byte, at int) {
		b[at+31]++           // block 0 ends one offset later,
		b[at+entrySize+23]++ // where block 1 now begins
	})
	wantBlock(t, data, 0, segment.ErrDamaged)
	wantBlock(t, data, 1, segment.ErrDamaged)
}

func TestFilterIsBoundToItsBlock(t *testing.T) {
	plain := write(t, testHeader(), segment.Options{BlockSize: 1, Filter: true},
		batchOf(t, recordbatch.Options{BaseOffset: 100}, 3), batchOf(t, recordbatch.Options{BaseOffset: 103}, 3)).Data
	data := forge(t, plain, func(b []byte, at int) {
		next := at + entrySize
		size := int(binary.BigEndian.Uint32(b[at+134:]))
		first := int(binary.BigEndian.Uint64(b[at+126:]))
		swap(b[first:first+size], b[first+size:first+2*size])
		swap(b[at+138:at+170], b[next+138:next+170])
	})
	if f, err := open(t, data).Filter(0, secret); f != nil || !errors.Is(err, segment.ErrDamaged) {
		t.Errorf("filter of another block: %v", err)
	}
}

// TestCountsAreChecked forges counts in the entry and in the sums: the body tells.
func TestCountsAreChecked(t *testing.T) {
	for name, at := range map[string][2]int{"batches": {35, 55 - 72}, "records": {43, 63 - 72}} {
		data := forge(t, twins(t), func(b []byte, entries int) {
			b[entries+at[0]]++
			b[entries+at[1]]++
		})
		_, err := open(t, data).Block(0, secret, nil)
		if !errors.Is(err, segment.ErrDamaged) || !strings.Contains(err.Error(), "the footer says") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFrontHeaderMustMatch changes the header in front only: the footer is sound.
func TestFrontHeaderMustMatch(t *testing.T) {
	data := twins(t)
	data[30] ^= 1
	trust, _ := newTrust(t, archiveID)
	if _, err := segment.Open(bytes.NewReader(data), int64(len(data)), trust); !errors.Is(err, segment.ErrDamaged) {
		t.Errorf("open: %v", err)
	}
}

func TestWrongSecret(t *testing.T) {
	data := twins(t)
	trust, _ := newTrust(t, archiveID)
	src := &lateFlip{ReaderAt: bytes.NewReader(data)}
	r, err := segment.Open(src, int64(len(data)), trust)
	if err != nil {
		t.Fatal(err)
	}
	src.armed = true // damage as well: the key is looked at first
	other := secret
	other[31] ^= 1
	if _, err := r.Block(0, other, nil); !errors.Is(err, segment.ErrWrongKey) || errors.Is(err, segment.ErrDamaged) {
		t.Errorf("wrong key: %v", err)
	}
}

func TestSignerMustBeTrusted(t *testing.T) {
	data := twins(t)
	size := int64(len(data))
	stranger, _ := newTrust(t, names.ArchiveID{4})
	_, err := segment.Open(bytes.NewReader(data), size, stranger)
	if unknown := (*signed.UnknownSignerError)(nil); !errors.As(err, &unknown) {
		t.Errorf("another archive's trust: %v", err)
	}
	h := testHeader()
	h.Archive = names.ArchiveID{4}
	_, archiver := newTrust(t, archiveID)
	w, err := segment.NewWriter(h, secret, segment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Close(101, names.Digest{}, archiver)
	if err != nil {
		t.Fatal(err)
	}
	trust, _ := newTrust(t, archiveID)
	if _, err := segment.Open(bytes.NewReader(s.Data), int64(len(s.Data)), trust); !errors.Is(err, signed.ErrSignature) {
		t.Errorf("a header of another archive, signed by ours: %v", err)
	}
}

// TestUnknownVersion covers fault 56: each is refused by name.
func TestUnknownVersion(t *testing.T) {
	for at, word := range map[int]string{9: "format version", 14: "cipher", 15: "key derivation", 16: "hash", 17: "signature"} {
		data := forge(t, twins(t), func(b []byte, entries int) {
			header := int(binary.BigEndian.Uint32(b[10:]))
			b[at], b[entries-72-header+at] = 9, 9
		})
		trust, _ := newTrust(t, archiveID)
		_, err := segment.Open(bytes.NewReader(data), int64(len(data)), trust)
		if !errors.Is(err, segment.ErrVersion) || !strings.Contains(err.Error(), word+" ") || !strings.Contains(err.Error(), "9 is unknown") {
			t.Errorf("byte %d: %v", at, err)
		}
	}
}

func TestMovedObject(t *testing.T) {
	r := open(t, twins(t))
	name := r.Name()
	if err := r.CheckName(name.String()); err != nil {
		t.Error(err)
	}
	name.Partition.Number++
	if err := r.CheckName(name.String()); !errors.Is(err, segment.ErrName) {
		t.Errorf("under another partition: %v", err)
	}
}
