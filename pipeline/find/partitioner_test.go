package find_test

import (
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/find"
)

// TestPartitioners: the hashes are those of Kafka's own test
// (UtilsTest.testMurmur2) and of the usual check of CRC-32.
func TestPartitioners(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		for _, n := range []int32{1, 12, 64, 1000} {
			if got := find.Murmur2([]byte(key), n); got != (want&0x7fffffff)%n {
				t.Errorf("murmur2 of %q in %d partitions is %d", key, n, got)
			}
		}
	}
	if got := find.CRC32([]byte("123456789"), 1000); got != 0xcbf43926%1000 {
		t.Errorf("crc32: %d", got)
	}
}

// config archives how many partitions the topic had from a moment on.
func config(w *covertest.World, l names.Lineage, at int64, partitions int32) {
	when := time.Unix(at, 0).UTC()
	file := w.Seal(w.Archiver, signed.KindTopicConfig, signed.TopicConfig{
		Archive: w.ID, Topic: "orders", Lineage: l, Partitions: partitions, At: when,
	})
	w.A.Put(names.TopicConfig("orders", l, when, names.Digest(sha256.Sum256(file)).Short()), file)
}

// TestFindByPartitioner: the topic grew, and its key is where each number of
// partitions put it; in no other partition is anything looked at.
func TestFindByPartitioner(t *testing.T) {
	w := covertest.New(t)
	store := func(number int32, base int64) {
		p := covertest.Partition
		p.Number = number
		w.Store(covertest.Spec{Base: base, Next: base + 10, Partition: p, Options: segment.Options{Filter: true}, Batches: [][]byte{keyed(t, base, 10, base+5)}})
	}
	key := []byte("k")
	small, large := find.Murmur2(key, 4), find.Murmur2(key, 64)
	if small == large {
		t.Fatal("this key does not move")
	}
	store(small, 10)
	store(large, 20)
	store(small+large+1, 30) // somebody chose the partition himself
	o := find.Options{Partitioner: find.Murmur2, Stats: &find.Stats{}}
	one := [][]byte{key}
	for _, err := range find.Find(t.Context(), w.Archive(), "orders", one, o) {
		if unknown := (*find.UnknownCountError)(nil); !errors.As(err, &unknown) {
			t.Errorf("without settings: %v", err)
		}
	}
	config(w, covertest.Partition.Lineage, 1, 4)
	config(w, covertest.Partition.Lineage, 2, 64)
	var got []int64
	for hit, err := range find.Find(t.Context(), w.Archive(), "orders", one, o) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, hit.Record.Offset)
	}
	slices.Sort(got)
	want := []int32{small, large}
	slices.Sort(want)
	if !slices.Equal(got, []int64{15, 25}) || !slices.Equal(o.Stats.Partitions, want) {
		t.Errorf("offsets %v in partitions %v", got, o.Stats.Partitions)
	}
	// Settings that cannot be read might hold the number that matters.
	for _, key := range w.A.Keys() {
		if names.IsTopicConfig(key) {
			w.A.Flip(key, 30)
			break
		}
	}
	for _, err := range find.Find(t.Context(), w.Archive(), "orders", one, o) {
		if err == nil {
			t.Error("damaged settings were passed over")
		}
	}
	everywhere := 0
	for range find.Find(t.Context(), w.Archive(), "orders", one, find.Options{}) {
		everywhere++
	}
	if everywhere != 3 {
		t.Errorf("%d records in all partitions", everywhere)
	}
}
