package restore

import (
	"math"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// everyKind is a log with all that makes a batch come back otherwise than it
// was archived. The moment of interest is 1000.
func everyKind(t testing.TB) *shelf {
	plain := recordbatch.Options{}
	odd := []recordbatch.Record{
		{Offset: 9, Timestamp: 100, Key: nil, Value: nil},
		{Offset: 10, Timestamp: 100, Key: []byte{}, Value: []byte{}},
		{Offset: 11, Timestamp: 100, Key: []byte{0xff, 0xfe}, Value: []byte("v"), Headers: []recordbatch.RecordHeader{
			{Key: []byte("b"), Value: nil}, {Key: []byte("a"), Value: []byte{}}, {Key: []byte("b"), Value: []byte("again")}, {Key: []byte{}, Value: []byte("x")},
		}},
	}
	return &shelf{batches: [][]byte{
		batch(t, plain, rec(0, 1), rec(1, 2), rec(2, 0)),
		batch(t, recordbatch.Options{Codec: recordbatch.CodecGzip}, rec(3, 5), rec(5, 6), rec(8, 7)), // holes
		batch(t, recordbatch.Options{Codec: recordbatch.CodecSnappy}, odd...),
		batch(t, recordbatch.Options{Codec: recordbatch.CodecLZ4}, rec(12, 999), rec(13, 1001), rec(14, 1000), rec(15, 50)), // straddles, out of order
		batch(t, recordbatch.Options{LogAppendTime: true}, rec(16, 800), rec(17, 900), rec(18, 700)),
		batch(t, recordbatch.Options{LogAppendTime: true}, rec(19, 800), rec(20, 1900)), // wholly after, by its own rule
		batch(t, recordbatch.Options{Transactional: true, Producer: &recordbatch.Producer{ID: 77, Epoch: 2, Sequence: 40}}, rec(21, 300), rec(22, 301)),
		marker(t, 23),
		batch(t, recordbatch.Options{Codec: recordbatch.CodecZstd}, rec(24, 2000), rec(25, 2001)), // wholly after
		batch(t, plain, rec(26, -1), rec(27, math.MinInt32), rec(28, 40*24*3600*1000), rec(29, 0)),
		batch(t, recordbatch.Options{Codec: recordbatch.CodecZstd}, rec(30, 1000)),
	}}
}

func marker(t testing.TB, offset int64) []byte {
	return batch(t, recordbatch.Options{Transactional: true, Control: true, Producer: &recordbatch.Producer{ID: 77, Epoch: 2, Sequence: -1}},
		recordbatch.Record{Offset: offset, Timestamp: 302, Key: []byte{0, 0, 0, 1}, Value: []byte{0, 0, 0, 0, 0, 0}})
}

func options(t testing.TB) Options {
	return Options{StateFile: filepath.Join(t.TempDir(), "restore.json"), StallTimeout: 20 * time.Second}
}

func TestRoundTrip(t *testing.T) {
	for name, to := range map[string]int64{"middle": 1000, "early": 6, "end": 40 * 24 * 3600 * 1000} {
		t.Run(name, func(t *testing.T) {
			c, client := cluster(t)
			archive := shelves{orders(0): everyKind(t), orders(1): everyKind(t)}
			r, err := Execute(t.Context(), plan(t, archive, client, request(to)), archive, client, options(t))
			if err != nil {
				t.Fatal(err)
			}
			want := expected(t, archive[orders(0)], to)
			for p := range int32(2) {
				same(t, name, read(t, c.ListenAddrs(), "restored", p), want)
			}
			if r.Records != int64(2*len(want)) {
				t.Errorf("the result counts %d records, want %d", r.Records, 2*len(want))
			}
		})
	}
}

func TestClippedPieces(t *testing.T) {
	c, client := cluster(t)
	s := everyKind(t)
	s.piece = func(b []byte) Piece { return clippedPiece{wholePiece(b)} }
	archive := shelves{orders(0): s}
	if _, err := Execute(t.Context(), plan(t, archive, client, request(1000)), archive, client, options(t)); err != nil {
		t.Fatal(err)
	}
	same(t, "clipped", read(t, c.ListenAddrs(), "restored", 0), expected(t, s, 1000))
}

// A batch that needs no change keeps its compressed records to the byte.
func TestVerbatim(t *testing.T) {
	b := batch(t, recordbatch.Options{Codec: recordbatch.CodecGzip}, rec(5, 1), rec(6, 2))
	c := cutter{filter: filter{to: 2}, limit: 1 << 20, decoder: recordbatch.NewDecoder(0)}
	cuts, err := c.cut(wholePiece(b))
	if err != nil || len(cuts) != 1 {
		t.Fatalf("cut: %d batches, %v", len(cuts), err)
	}
	own, _ := new(buffers).own(cuts[0])
	if !recordbatch.SetProducer(own, 9, 0, 4) || string(own[recordbatch.HeaderSize:]) != string(b[recordbatch.HeaderSize:]) {
		t.Error("the records of a batch before the moment were changed")
	}
	if h, _ := recordbatch.ParseHeader(b); h.BaseOffset != 5 || h.ProducerID != -1 {
		t.Error("the archive's own bytes were changed")
	}
}

func TestSplit(t *testing.T) {
	var recs []recordbatch.Record
	for i := range int64(50) {
		recs = append(recs, rec(100+i, i))
	}
	b := batch(t, recordbatch.Options{}, recs...)
	c := cutter{filter: filter{to: 1000}, limit: 400, decoder: recordbatch.NewDecoder(0)}
	if _, err := c.cut(wholePiece(b)); err == nil {
		t.Fatal("a batch above the limit was let through")
	}
	c.split = true
	cuts, err := c.cut(wholePiece(b))
	if err != nil {
		t.Fatal(err)
	}
	var back []recordbatch.Record
	next := int64(100)
	for _, part := range cuts {
		if len(part.bytes) > 400 || part.first != next {
			t.Fatalf("part of %d bytes at offset %d, want at most 400 at %d", len(part.bytes), part.first, next)
		}
		next = part.last + 1
		for r, err := range recordbatch.NewDecoder(0).Records(part.bytes) {
			if err != nil {
				t.Fatal(err)
			}
			r.Offset, r.Headers = int64(len(back)), append([]recordbatch.RecordHeader(nil), r.Headers...)
			back = append(back, r)
		}
	}
	same(t, "split", back, expected(t, &shelf{batches: [][]byte{b}}, 1000))
}

func TestSequenceWraps(t *testing.T) {
	for offset, want := range map[int64]int32{0: 0, math.MaxInt32: math.MaxInt32, math.MaxInt32 + 1: 0, 1<<32 + 5: 5} {
		if got := sequence(offset); got != want {
			t.Errorf("sequence(%d) = %d, want %d", offset, got, want)
		}
		if offset > 0 && sequence(offset) != (sequence(offset-1)+1)&math.MaxInt32 {
			t.Errorf("sequence(%d) does not follow the one before", offset)
		}
	}
}

func TestTargetSettings(t *testing.T) {
	_, client := cluster(t)
	archive := shelves{orders(2): everyKind(t)}
	if _, err := Execute(t.Context(), plan(t, archive, client, request(1000)), archive, client, options(t)); err != nil {
		t.Fatal(err)
	}
	_, states, err := (&target{client: client}).describe(t.Context(), []string{"restored"})
	if err != nil {
		t.Fatal(err)
	}
	if n := states["restored"].partitions; n != 3 {
		t.Errorf("the target has %d partitions, want 3", n)
	}
	for _, s := range settings() {
		if got := states["restored"].config[s.name]; got != s.want {
			t.Errorf("%s = %q, want %q", s.name, got, s.want)
		}
	}
}

// Many partitions of one leader travel in one request, and no partition twice.
func TestRequestsAreShared(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{}
	for p := range int32(24) {
		s := &shelf{}
		for i := range int64(40) {
			s.batches = append(s.batches, batch(t, recordbatch.Options{}, rec(i, i)))
		}
		archive[orders(p)] = s
	}
	shared := make(chan int, 100000)
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		seen, n := map[int32]bool{}, 0
		for _, rt := range req.(*kmsg.ProduceRequest).Topics {
			for _, rp := range rt.Partitions {
				if seen[rp.Partition] {
					t.Errorf("partition %d is twice in one request", rp.Partition)
				}
				seen[rp.Partition] = true
				n++
			}
		}
		shared <- n
		return nil, nil, false
	})
	opts := options(t)
	opts.Parallel = 24
	if _, err := Execute(t.Context(), plan(t, archive, client, request(39)), archive, client, opts); err != nil {
		t.Fatal(err)
	}
	close(shared)
	requests, most := 0, 0
	for n := range shared {
		requests, most = requests+1, max(most, n)
	}
	if requests >= 24*40 || most < 2 {
		t.Errorf("%d requests with at most %d partitions for %d batches", requests, most, 24*40)
	}
	for p := range int32(24) {
		same(t, "shared", read(t, c.ListenAddrs(), "restored", p), expected(t, archive[orders(p)], 39))
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExecution(&Plan{}, nil, nil, Options{MaxRate: 1000}.withDefaults())
		l := &lane{execution: x}
		begin := time.Now()
		for range 3 {
			if err := l.pace(t.Context(), 2000); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("6000 bytes at 1000 a second, the first 1000 at once, took %v", took)
		}
	})
}

// A budget below the size of one batch lets one batch through at a time; it
// must not block for ever.
func TestTinyMemory(t *testing.T) {
	c, client := cluster(t)
	archive := shelves{orders(0): manyBatches(t, 30), orders(1): manyBatches(t, 30), orders(2): manyBatches(t, 30)}
	opts := options(t)
	opts.Memory = 1
	if _, err := Execute(t.Context(), plan(t, archive, client, request(1000)), archive, client, opts); err != nil {
		t.Fatal(err)
	}
	for p, s := range archive {
		same(t, p.String(), read(t, c.ListenAddrs(), "restored", p.Number), expected(t, s, 1000))
	}
}

// Progress ends at what came back, and the result names the archived offsets.
func TestProgressAndResult(t *testing.T) {
	_, client := cluster(t)
	archive := shelves{orders(0): everyKind(t)}
	var last Progress
	opts := options(t)
	opts.Progress = func(p Progress) { last = p }
	r, err := Execute(t.Context(), plan(t, archive, client, request(1000)), archive, client, opts)
	if err != nil {
		t.Fatal(err)
	}
	want := int64(len(expected(t, archive[orders(0)], 1000)))
	if last.Records != want || last.Done != 1 || last.Partitions != 1 || last.Bytes != r.Bytes {
		t.Errorf("progress %+v, want %d records, %d bytes", last, want, r.Bytes)
	}
	if part := r.Partitions[0]; part.FirstOffset != 0 || part.LastOffset != 30 || part.Records != want {
		t.Errorf("result %+v", part)
	}
}
