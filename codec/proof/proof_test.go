package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/proof"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
)

var (
	archiveID = names.ArchiveID{1}
	secret    = block.Secret{9}
)

func signer(word string, role signed.Role) *signed.Signer {
	seed := sha256.Sum256([]byte(word))
	return signed.NewSigner(role, ed25519.NewKeyFromSeed(seed[:]))
}

// world is an archive of one segment: three blocks of records 100 to 108, of
// which the last holds a marker, too.
type world struct {
	root, archiver *signed.Signer
	introduction   []byte
	reader         *segment.Reader
	data           []byte
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{root: signer("root", signed.RoleRoot), archiver: signer("archiver", signed.RoleArchive)}
	w.introduction = w.introduce(t, w.root, signed.Introduction{Archive: archiveID, Role: signed.RoleArchive, Key: w.archiver.Public(), Created: time.Unix(1, 0).UTC()})
	w.data = w.seal(t, w.archiver, archiveID)
	w.reader = w.open(t, w.archiver, archiveID)
	return w
}

func (w *world) introduce(t testing.TB, by *signed.Signer, in signed.Introduction) []byte {
	t.Helper()
	file, err := by.Seal(signed.KindSigner, in)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (w *world) seal(t testing.TB, by *signed.Signer, archive names.ArchiveID) []byte {
	t.Helper()
	h := segment.Header{
		Archive: archive, Topic: "orders", Lineage: names.Lineage{Topic: names.TopicID{7}, Branch: names.RootBranch},
		Parent: names.RootBranch, Partition: 3, Base: 101, Page: names.PageID{1}, Created: time.UnixMilli(1_790_000_000_000),
	}
	sw, err := segment.NewWriter(h, secret, segment.Options{BlockSize: 1, Filter: true, Compression: block.Zstd})
	if err != nil {
		t.Fatal(err)
	}
	for base := int64(100); base < 109; base += 3 {
		batch := batchAt(t, base)
		header, err := recordbatch.ParseHeader(batch)
		if err == nil {
			err = sw.Append(header, batch)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := sw.Close(110, names.Digest{}, by)
	if err != nil {
		t.Fatal(err)
	}
	return s.Data
}

func batchAt(t testing.TB, base int64) []byte {
	t.Helper()
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{BaseOffset: base})
	for o := base; o < base+3; o++ {
		rec := recordbatch.Record{Offset: o, Timestamp: 1_790_000_000_000 + o, Key: fmt.Appendf(nil, "order-%d", o), Value: bytes.Repeat([]byte("paid "), 20), Headers: []recordbatch.RecordHeader{{Key: []byte("h"), Value: nil}}}
		if o == 105 {
			rec.Key, rec.Value = nil, nil
		}
		if err := b.Append(rec); err != nil {
			t.Fatal(err)
		}
	}
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(out)
}

func (w *world) open(t testing.TB, by *signed.Signer, archive names.ArchiveID) *segment.Reader {
	t.Helper()
	trust, err := signed.NewTrust(archive, w.root.Public())
	if err != nil {
		t.Fatal(err)
	}
	in := w.introduce(t, w.root, signed.Introduction{Archive: archive, Role: signed.RoleArchive, Key: by.Public()})
	if _, err := trust.Introduce(in); err != nil {
		t.Fatal(err)
	}
	data := w.seal(t, by, archive)
	r, err := segment.Open(bytes.NewReader(data), int64(len(data)), trust)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) parts(t testing.TB, r *segment.Reader, n int, offset int64) proof.Parts {
	t.Helper()
	x, err := r.Extract(n, secret)
	if err != nil {
		t.Fatal(err)
	}
	return proof.Parts{Extract: *x, Signer: w.introduction, Offset: offset}
}

func (w *world) verify(file []byte) (*proof.Proven, error) {
	return proof.Verify(file, archiveID, w.root.Public())
}

// TestEveryRecordIsProven, and nothing that is not one.
func TestEveryRecordIsProven(t *testing.T) {
	w := newWorld(t)
	for offset := int64(99); offset <= 111; offset++ {
		n := int(offset-100) / 3
		file := proof.Encode(w.parts(t, w.reader, min(n, 2), offset))
		p, err := w.verify(file)
		if offset < 101 || offset > 108 { // 100 is in a batch, and below the segment's base
			if p != nil || !errors.Is(err, proof.ErrNoRecord) {
				t.Errorf("offset %d: %v", offset, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("offset %d: %v", offset, err)
		}
		want := w.reader.Name()
		if p.Record.Offset != offset || p.Record.Timestamp != 1_790_000_000_000+offset || p.Segment != want || p.Digest != w.reader.Digest() ||
			p.Partition != want.Partition || p.Block != n || p.Others != 2 || p.Signer != w.archiver.ID() || p.LogAppendTime || len(p.Record.Headers) != 1 {
			t.Errorf("offset %d: %+v", offset, p)
		}
		if _, there := proof.Sum(p.Record.Value); there == (offset == 105) {
			t.Errorf("offset %d: a null value and an empty one are mixed up", offset)
		}
	}
}

// TestEveryBitOfAProof: one that is flipped is refused. Where somebody makes the
// checksum anew it is refused as well, or what it proves was signed: the record
// of the same segment at the offset that the file now asks for. (In the signer's
// file the names of JSON are not under the signature, and may be in capitals.)
func TestEveryBitOfAProof(t *testing.T) {
	w := newWorld(t)
	file := proof.Encode(w.parts(t, w.reader, 1, 104))
	sound, err := w.verify(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		for bit := range 8 {
			bad := bytes.Clone(file)
			bad[i] ^= 1 << bit
			if p, err := w.verify(bad); err == nil || p != nil {
				t.Fatalf("bit %d of byte %d: %+v", bit, i, p)
			}
			if bit != i%8 && bit != 5 {
				continue // signatures take their time
			}
			sum := sha256.Sum256(bad[:len(bad)-sha256.Size])
			copy(bad[len(bad)-sha256.Size:], sum[:])
			p, err := w.verify(bad)
			if err != nil || bytes.Equal(bad, file) {
				continue
			}
			asked := int64(binary.BigEndian.Uint64(bad[34:]))
			if p.Digest != sound.Digest || p.Signer != sound.Signer || p.Block != sound.Block || p.Record.Offset != asked ||
				asked == 104 && !reflect.DeepEqual(p, sound) || asked != 104 && (i < 34 || i >= 42) {
				t.Fatalf("bit %d of byte %d, with another checksum: %+v", bit, i, p)
			}
		}
	}
}

// TestForgedProofs: everything that somebody can put together who has not the
// archiver's key.
func TestForgedProofs(t *testing.T) {
	w := newWorld(t)
	stranger, eraser := signer("stranger", signed.RoleArchive), signer("eraser", signed.RoleErase)
	good := w.parts(t, w.reader, 1, 104)
	change := func(edit func(p *proof.Parts)) proof.Parts {
		p := good
		edit(&p)
		return p
	}
	for name, tt := range map[string]struct {
		parts proof.Parts
		want  error
	}{
		"a stranger's segment": {w.parts(t, w.open(t, stranger, archiveID), 1, 104), signed.ErrSignature},
		"introduced by the stranger himself": {change(func(p *proof.Parts) {
			p.Signer = w.introduce(t, stranger, signed.Introduction{Archive: archiveID, Role: signed.RoleArchive, Key: stranger.Public()})
		}), signed.ErrSignature},
		"introduced as another role": {change(func(p *proof.Parts) {
			p.Signer = w.introduce(t, w.root, signed.Introduction{Archive: archiveID, Role: signed.RoleErase, Key: w.archiver.Public()})
		}), signed.ErrSignature},
		"another one introduced": {change(func(p *proof.Parts) {
			p.Signer = w.introduce(t, w.root, signed.Introduction{Archive: archiveID, Role: signed.RoleErase, Key: eraser.Public()})
		}), signed.ErrSignature},
		"another archive's segment": {w.parts(t, w.open(t, w.archiver, names.ArchiveID{2}), 1, 104), signed.ErrSignature},
		"another block's body":      {change(func(p *proof.Parts) { p.Sealed = w.parts(t, w.reader, 2, 104).Sealed }), segment.ErrDamaged},
		"another block's key":       {change(func(p *proof.Parts) { p.Key = w.parts(t, w.reader, 2, 104).Key }), segment.ErrWrongKey},
		"another block's number":    {change(func(p *proof.Parts) { p.Block = 2 }), segment.ErrWrongKey},
		"another length":            {change(func(p *proof.Parts) { p.Size++ }), segment.ErrDamaged},
		"a byte before the footer":  {change(func(p *proof.Parts) { p.Tail = append([]byte{0}, p.Tail...) }), proof.ErrDamaged},
		"no tail":                   {change(func(p *proof.Parts) { p.Tail = nil }), nil},
		"no block":                  {change(func(p *proof.Parts) { p.Block = 3 }), nil},
		"a body cut short":          {change(func(p *proof.Parts) { p.Sealed = p.Sealed[:20] }), segment.ErrDamaged},
		"no signer":                 {change(func(p *proof.Parts) { p.Signer = nil }), nil},
	} {
		p, err := w.verify(proof.Encode(tt.parts))
		if p != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	file := proof.Encode(good)
	if _, err := proof.Verify(file, archiveID, stranger.Public()); !errors.Is(err, signed.ErrSignature) {
		t.Errorf("another root: %v", err)
	}
	if _, err := proof.Verify(file, names.ArchiveID{2}, w.root.Public()); !errors.Is(err, signed.ErrSignature) {
		t.Errorf("another archive: %v", err)
	}
	file[9] = 2
	if _, err := w.verify(file); !errors.Is(err, segment.ErrVersion) {
		t.Errorf("another version: %v", err)
	}
}

// TestProofDisclosesOneBlock: the key in a proof opens no other block.
func TestProofDisclosesOneBlock(t *testing.T) {
	w := newWorld(t)
	p := w.parts(t, w.reader, 1, 104)
	for n := range 3 {
		_, err := w.reader.OpenSealed(n, p.Key, w.parts(t, w.reader, n, 0).Sealed)
		if (err == nil) != (n == 1) || n != 1 && !errors.Is(err, segment.ErrWrongKey) {
			t.Errorf("block %d: %v", n, err)
		}
	}
	if bytes.Contains(proof.Encode(p), secret[:]) {
		t.Error("the segment's secret is in the proof")
	}
}

// FuzzVerify: whatever the bytes, nothing panics, and what is proven is what the
// archiver signed.
func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	file := proof.Encode(w.parts(f, w.reader, 1, 104))
	f.Add(file)
	f.Add(file[:80])
	f.Fuzz(func(t *testing.T, b []byte) {
		for range 2 { // the second time under a checksum that fits
			if p, err := w.verify(b); err == nil && (p.Partition != w.reader.Name().Partition || p.Signer != w.archiver.ID()) {
				t.Fatalf("%+v", p)
			}
			if len(b) > sha256.Size {
				sum := sha256.Sum256(b[:len(b)-sha256.Size])
				b = append(bytes.Clone(b[:len(b)-sha256.Size]), sum[:]...)
			}
		}
	})
}
