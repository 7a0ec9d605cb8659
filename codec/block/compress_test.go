package block_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"runtime"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/tidemark-io/tidemark/codec/block"
)

func TestCompressions(t *testing.T) {
	var c block.Compressor
	var d block.Decompressor
	body := bytes.Repeat([]byte("the same again, "), 500)
	for _, kind := range []block.Compression{block.Zstd, block.S2} {
		stored, used, err := c.Compress(kind, body)
		if err != nil || used != kind || len(stored) >= len(body) {
			t.Fatalf("%v: %d bytes as %v, %v", kind, len(stored), used, err)
		}
		into := make([]byte, len(body))
		if err := d.Decompress(kind, into, stored); err != nil || !bytes.Equal(into, body) {
			t.Errorf("%v: %v", kind, err)
		}
		for _, n := range []int{0, 1, len(body) - 1, len(body) + 1} {
			if err := d.Decompress(kind, make([]byte, n), stored); !errors.Is(err, block.ErrDamaged) {
				t.Errorf("%v into %d bytes: %v", kind, n, err)
			}
		}
	}
}

func TestCompressionMustSave(t *testing.T) {
	var c block.Compressor
	noise := make([]byte, 5000)
	_, _ = rand.Read(noise)
	for _, kind := range []block.Compression{block.None, block.Zstd, block.S2} {
		stored, used, err := c.Compress(kind, noise)
		if err != nil || used != block.None || !bytes.Equal(stored, noise) {
			t.Errorf("%v: %d bytes as %v, %v", kind, len(stored), used, err)
		}
	}
	if _, _, err := c.Compress(9, noise); err == nil {
		t.Error("compression 9 was accepted")
	}
}

// TestBombs: what decompresses to far more than it should writes nothing beyond
// the room it is given.
func TestBombs(t *testing.T) {
	zeros := make([]byte, 32<<20)
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var d block.Decompressor
	for kind, bomb := range map[block.Compression][]byte{block.Zstd: e.EncodeAll(zeros, nil), block.S2: s2.Encode(nil, zeros)} {
		room := bytes.Repeat([]byte{1}, 2000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := d.Decompress(kind, room[:1000], bomb); !errors.Is(err, block.ErrDamaged) {
			t.Errorf("%v: %v", kind, err)
		}
		if !bytes.Equal(room[1000:], bytes.Repeat([]byte{1}, 1000)) {
			t.Errorf("%v wrote beyond its room", kind)
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > uint64(len(zeros))/2 {
			t.Errorf("%v took %d bytes for a body of 1000", kind, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

func TestCompressionNames(t *testing.T) {
	for _, c := range []block.Compression{block.None, block.Zstd, block.S2} {
		var again block.Compression
		text, _ := c.MarshalText()
		if err := again.UnmarshalText(text); err != nil || again != c {
			t.Errorf("%v reads as %v, %v", c, again, err)
		}
	}
	if _, err := block.ParseCompression("gzip"); err == nil {
		t.Error("gzip was accepted")
	}
	if block.Compression(3).Known() || block.Compression(3).String() != "compression(3)" {
		t.Error("compression 3 is known")
	}
}

// FuzzDecompress: any bytes give the body in full or damage, without a panic.
func FuzzDecompress(f *testing.F) {
	var c block.Compressor
	for _, kind := range []block.Compression{block.Zstd, block.S2} {
		stored, _, err := c.Compress(kind, bytes.Repeat([]byte("batch"), 100))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(kind), uint16(500), bytes.Clone(stored))
	}
	var d block.Decompressor
	f.Fuzz(func(t *testing.T, kind byte, plain uint16, stored []byte) {
		err := d.Decompress(block.Compression(kind), make([]byte, plain), stored)
		if err != nil && !errors.Is(err, block.ErrDamaged) {
			t.Fatal(err)
		}
	})
}
