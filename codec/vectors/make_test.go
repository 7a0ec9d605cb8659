package vectors_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// good makes segments that open.
func (m *maker) good() {
	a, b := m.batch(recordbatch.Options{BaseOffset: 100}, 5), m.batch(recordbatch.Options{BaseOffset: 105}, 30)
	m.addGood("good-plain.seg", "one block, stored as it is", m.seal(m.header(100), segment.Options{}, 105, a), a)
	one := m.batch(recordbatch.Options{BaseOffset: 100}, 1)
	m.addGood(exampleFile, "one record, with a filter: the worked example of FORMAT.md", m.seal(m.header(100), segment.Options{Filter: true}, 101, one), one)
	zstd := segment.Options{BlockSize: 1, Compression: block.Zstd}
	m.addGood("good-zstd.seg", "two blocks, compressed by tidemark where that saves bytes", m.seal(m.header(100), zstd, 140, a, b), a, b)
	null := m.batch(recordbatch.Options{BaseOffset: 103}, 1)
	head := m.batch(recordbatch.Options{BaseOffset: 100}, 3)
	v := m.addGood("good-filter.seg", "three blocks with filters; the second has only a null key",
		m.seal(m.header(100), segment.Options{BlockSize: 1, Filter: true}, 135, head, null, b), head, null, b)
	v.Present, v.Absent = []string{"key-100", "key-102", "key-134"}, []string{"key-99", "key-1000"}
	m.goodFields()
	m.addGood("good-empty.seg", "no blocks: nothing but aborted data in the range", m.seal(m.header(100), segment.Options{}, 101))
	h := m.header(103)
	h.Lineage.Branch, h.Parent, h.Topic = 12, 4, "Orders.v2_eu-1"
	h.RetainUntil = time.Time{}
	lz4 := m.batch(recordbatch.Options{BaseOffset: 105, Codec: recordbatch.CodecLZ4, Transactional: true, Producer: &recordbatch.Producer{ID: 8, Epoch: 1}}, 20)
	m.addGood("good-branch.seg", "a branch; the first batch begins below base; the producer compressed the second", m.seal(h, zstd, 125, a, lz4), a, lz4)
}

// goodFields makes a segment with fields in its filters.
func (m *maker) goodFields() {
	f := orderFields{{Paths: []string{"order"}}, {Paths: []string{"state", "status"}}}
	slices.SortFunc(f, func(a, b fieldVector) int { x, y := a.id(), b.id(); return bytes.Compare(x[:], y[:]) })
	a, b := m.batch(recordbatch.Options{BaseOffset: 100}, 3), m.batch(recordbatch.Options{BaseOffset: 103}, 30)
	spoilt := m.spoilt(133)
	v := m.addGood("good-fields.seg", "filters over two fields; the last block has a value that cannot be read, and its filter is over keys alone",
		m.seal(m.header(100), segment.Options{BlockSize: 1, Filter: true, Fields: f}, 134, a, b, spoilt), a, b, spoilt)
	v.Present, v.Absent = []string{"key-100", "key-133"}, []string{"key-99"}
	for _, one := range f {
		one.Present, one.Absent = []string{"100", "102", "132"}, []string{"99", "133"}
		if one.Paths[0] == "state" {
			one.Present, one.Absent = []string{"paid"}, []string{"new"}
		}
		v.Fields = append(v.Fields, one)
	}
}

// orderFields reads what batch writes.
type orderFields []fieldVector

func (o orderFields) IDs() (ids []block.FieldID) {
	for _, f := range o {
		ids = append(ids, f.id())
	}
	return ids
}

func (o orderFields) Read(value []byte, found func(int, []byte)) bool {
	var order struct {
		Order json.Number
		State string
	}
	if json.Unmarshal(value, &order) != nil {
		return false
	}
	for i, f := range o {
		if f.Paths[0] == "order" {
			found(i, []byte(order.Order))
		} else {
			found(i, []byte(order.State))
		}
	}
	return true
}

// spoilt is a batch of one record whose value breaks off.
func (m *maker) spoilt(offset int64) []byte {
	var b recordbatch.Builder
	b.Reset(recordbatch.Options{BaseOffset: offset})
	m.must(b.Append(recordbatch.Record{Offset: offset, Timestamp: 1_790_000_000_000, Key: []byte("key-133"), Value: []byte(`{"order":133`)}))
	out, err := b.Finish()
	m.must(err)
	return bytes.Clone(out)
}

// pair is a segment of two blocks of one length with filters of one length, and
// the data alone.
func (m *maker) pair(base int64) (names.Range, []byte) {
	s := m.seal(m.header(base), segment.Options{BlockSize: 1, Filter: true}, base+6,
		m.batch(recordbatch.Options{BaseOffset: base}, 3), m.batch(recordbatch.Options{BaseOffset: base + 3}, 3))
	return s.Name, s.Data
}

func (m *maker) torn() {
	name, data := m.pair(200)
	for file, cut := range map[string][]byte{
		"torn-nothing.seg": {},
		"torn-byte.seg":    data[:len(data)-1],
		"torn-trailer.seg": data[:len(data)-84],
		"torn-half.seg":    data[:len(data)/2],
		"torn-front.seg":   data[1:],
		"torn-footer.seg":  data[len(data)-300:],
	} {
		m.add(file, "damaged", "cut off", name, cut)
	}
	m.add("torn-longer.seg", "damaged", "a byte more at the end", name, append(bytes.Clone(data), 0))
	footer := len(data) - 84 - int(binary.BigEndian.Uint32(data[len(data)-12:]))
	m.add("torn-slack.seg", "damaged", "a byte that belongs to nothing, before the footer", name, slices.Insert(bytes.Clone(data), footer, 0))
}

func (m *maker) flipped() {
	name, data := m.pair(200)
	end := len(data) - 84
	footer := end - int(binary.BigEndian.Uint32(data[end+72:]))
	header := int(binary.BigEndian.Uint32(data[10:]))
	filter := int(binary.BigEndian.Uint64(data[footer+header+72+126:]))
	for _, f := range []struct {
		file, outcome string
		at            int
	}{
		{"flip-magic.seg", "damaged", 0},
		{"flip-header.seg", "damaged", 40},
		{"flip-block.seg", "damaged", header + 20},
		{"flip-tag.seg", "damaged", filter - 1},
		{"flip-filter.seg", "damaged", filter + 13},
		{"flip-footer.seg", "signature", footer + header + 72 + 70},
		{"flip-footer-offset.seg", "signature", footer + header + 7},
		{"flip-signer.seg", "signature", end},
		{"flip-signature.seg", "signature", end + 20},
		{"flip-length.seg", "damaged", end + 72},
		{"flip-end.seg", "damaged", len(data) - 1},
	} {
		b := bytes.Clone(data)
		b[f.at] ^= 0x10
		m.add(f.file, f.outcome, "one bit flipped", name, b)
	}
}

// misplaced makes segments whose parts, or which themselves, are in another
// place; signatures are right.
func (m *maker) misplaced() {
	name, data := m.pair(200)
	other, otherData := m.pair(300)
	swapped := m.resign(data, func(b []byte, at int) {
		first, size := int(binary.BigEndian.Uint64(b[at:])), int(binary.BigEndian.Uint32(b[at+8:]))
		swap(b[first:first+size], b[first+size:first+2*size])
		swap(b[at+62:at+94], b[at+170+62:at+170+94])
	})
	m.forged("moved-swapped.seg", "damaged", "blocks swapped with their digests, signed again", name, swapped)
	m.forged("moved-block.seg", "damaged", "a block of another segment with its digest, signed again", name, m.resign(data, transplant(otherData, 32)))
	m.forged("moved-block-commitment.seg", "wrong-key", "the same with its commitment", name, m.resign(data, transplant(otherData, 64)))
	m.forged("moved-offsets.seg", "damaged", "the border between two blocks shifted, signed again", name, m.resign(data, func(b []byte, at int) {
		b[at+31]++
		b[at+170+23]++
	}))
	m.forged("moved-counts.seg", "damaged", "a record more than there is, signed again", name, m.resign(data, func(b []byte, at int) {
		b[at+43]++
		b[at-9]++
	}))
	m.add("moved-renamed.seg", "name", "under the name of another segment", other, data)
	name.Partition.Number++
	m.add("moved-partition.seg", "name", "under another partition", name, data)
}

// forged is add for a segment that was signed again and so has another name.
func (m *maker) forged(file, outcome, about string, name names.Range, data []byte) {
	name.Digest = shortOf(data)
	m.add(file, outcome, about, name, data)
}

func swap(a, b []byte) {
	c := bytes.Clone(a)
	copy(a, b)
	copy(b, c)
}

// transplant puts the first block of another segment in place of one's own,
// with its SHA-256 and, at 64, commitment.
func transplant(other []byte, digests int) func(b []byte, at int) {
	return func(b []byte, at int) {
		first, size := int(binary.BigEndian.Uint64(b[at:])), int(binary.BigEndian.Uint32(b[at+8:]))
		copy(b[first:first+size], other[first:first+size])
		copy(b[at+62:at+62+digests], other[at+62:at+62+digests])
	}
}

// foreign makes segments of other keys, archives and versions.
func (m *maker) foreign() {
	name, data := m.pair(200)
	m.add("foreign-secret.seg", "wrong-key", "sound, but this is another secret", name, data)
	wrong := secretOf("another segment")
	m.manifest.Vectors[len(m.manifest.Vectors)-1].Secret = hex.EncodeToString(wrong[:])
	for at, file := range map[int]string{9: "foreign-version.seg", 14: "foreign-cipher.seg", 15: "foreign-kdf.seg", 16: "foreign-hash.seg", 17: "foreign-signature.seg"} {
		b := m.resign(data, func(b []byte, entry int) {
			b[at], b[entry-72-int(binary.BigEndian.Uint32(b[10:]))+at] = 9, 9
		})
		m.forged(file, "version", "a version or algorithm 9, signed again", name, b)
	}
	own := m.archiver
	m.archiver = signerOf("archiver of another archive", "archive")
	name, data = m.pair(200)
	m.add("foreign-signer.seg", "signature", "signed by a key that the root did not introduce", name, data)
	m.archiver = own
	h := m.header(200)
	h.Archive[0]++
	s := m.seal(h, segment.Options{}, 201)
	m.add("foreign-archive.seg", "signature", "signed by our archiver for another archive", s.Name, s.Data)
}
