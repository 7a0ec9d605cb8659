package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/deploy/local"
)

// filed is a topic that has all that makes files hard: odd bytes and times,
// transactions of which one was aborted, and every codec.
const filed = "filed"

// testFiles: what a consumer sees in Kafka is what the files hold; Kafka's own
// dump tool reads the segments, and a broker takes them for its own.
func testFiles(t *testing.T, w *world) {
	w.fillFiled(t)
	a := w.newArchive(t, filed, filed)
	a.catchUp(t)
	now := time.Now()
	want := w.seenUpTo(t, now)
	for _, to := range []string{"jsonl", "csv", "parquet", "log"} {
		dir := filepath.Join(t.TempDir(), "out")
		a.must(t, "restore", append(restoreArgs(now, filed), "--to-files", dir, "--format", to)...)
		a.must(t, "restore", append(restoreArgs(now, filed), "--to-files", dir, "--format", to)...) // it is done, and says so
		if n := noted(t, dir); n != len(want[0])+len(want[1]) {
			t.Errorf("%s: the manifest has %d records, want %d and %d", to, n, len(want[0]), len(want[1]))
		}
		switch to {
		case "jsonl":
			sameLines(t, concatenated(t, dir, "*.jsonl"), want)
		case "log":
			sameDump(t, dir, want)
			w.loadedByABroker(t, dir, want)
		}
	}
	sameLines(t, a.must(t, "restore", append(restoreArgs(now, filed), "--to-files", "-")...).stdout, want)
	if o := a.run(t, "restore", append(restoreArgs(time.UnixMilli(-5), filed), "--to-files", t.TempDir())...); o.code != exitFindings {
		t.Errorf("a moment before the first record: exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}

func (w *world) fillFiled(t *testing.T) {
	t.Helper()
	w.makeTopic(t, filed, 2, anyTime)
	for i, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		client := w.dial(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(12<<20),
			kgo.ProducerLinger(50*time.Millisecond), kgo.TransactionalID("filed-"+strconv.Itoa(i)))
		for j, batch := range oddBatches() {
			commit := kgo.TransactionEndTry((i+j)%4 > 0)
			if err := client.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			for _, r := range batch {
				r.Topic, r.Partition = filed, int32(j%2)
			}
			if err := client.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if err := client.EndTransaction(t.Context(), commit); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// seenUpTo is what a read_committed consumer sees with times at or before a
// moment, by partition and with offsets.
func (w *world) seenUpTo(t *testing.T, to time.Time) map[int32][]recordbatch.Record {
	t.Helper()
	all := map[int32][]recordbatch.Record{}
	w.readTopic(t, filed, func(r *kgo.Record) {
		if p := plain(r); p.Timestamp <= to.UnixMilli() {
			all[r.Partition] = append(all[r.Partition], p)
		}
	})
	if len(all[0]) < 10 || len(all[1]) < 10 {
		t.Fatalf("%d and %d records are too few to prove anything", len(all[0]), len(all[1]))
	}
	return all
}

// noted is how many records the manifest of an export has.
func noted(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Records int }
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m.Records
}

// concatenated is all files of an export that match, in order.
func concatenated(t *testing.T, dir, pattern string) []byte {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%v, %v", found, err)
	}
	var all []byte
	for _, name := range found {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// fileLine is a line of kcat -J with the twins for what is no text.
type fileLine struct {
	Partition     int32     `json:"partition"`
	Offset        int64     `json:"offset"`
	TS            int64     `json:"ts"`
	Headers       []*string `json:"headers"`
	HeadersBase64 [][]byte  `json:"headers_base64"`
	Key           *string   `json:"key"`
	KeyBase64     []byte    `json:"key_base64"`
	Payload       *string   `json:"payload"`
	PayloadBase64 []byte    `json:"payload_base64"`
}

func sameLines(t *testing.T, text []byte, want map[int32][]recordbatch.Record) {
	t.Helper()
	got := map[int32][]recordbatch.Record{}
	lines := json.NewDecoder(bytes.NewReader(text))
	for lines.More() {
		var l fileLine
		if err := lines.Decode(&l); err != nil {
			t.Fatal(err)
		}
		r := recordbatch.Record{Offset: l.Offset, Timestamp: l.TS, Key: textOr(l.Key, l.KeyBase64), Value: textOr(l.Payload, l.PayloadBase64)}
		flat := l.HeadersBase64
		for _, h := range l.Headers {
			flat = append(flat, textOr(h, nil))
		}
		for i := 0; i+1 < len(flat); i += 2 {
			r.Headers = append(r.Headers, recordbatch.RecordHeader{Key: flat[i], Value: flat[i+1]})
		}
		got[l.Partition] = append(got[l.Partition], r)
	}
	sameByPartition(t, "the lines", got, want)
}

func textOr(text *string, raw []byte) []byte {
	if text != nil {
		return []byte(*text)
	}
	return raw
}

func sameByPartition(t *testing.T, what string, got, want map[int32][]recordbatch.Record) {
	t.Helper()
	for p := range want {
		if len(got[p]) != len(want[p]) {
			t.Errorf("%s have %d records of partition %d, want %d", what, len(got[p]), p, len(want[p]))
			continue
		}
		for i := range want[p] {
			if !reflect.DeepEqual(got[p][i], want[p][i]) {
				t.Errorf("%s: partition %d record %d is %.300v, want %.300v", what, p, i, got[p][i], want[p][i])
			}
		}
	}
	t.Logf("%s: %d and %d records, the same", what, len(want[0]), len(want[1]))
}

// sameDump shows every segment to Kafka's own tool.
func sameDump(t *testing.T, dir string, want map[int32][]recordbatch.Record) {
	t.Helper()
	for p, records := range want {
		var got []string
		found, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("%s-%d", filed, p), "*.log"))
		if err != nil || len(found) == 0 {
			t.Fatalf("%v, %v", found, err)
		}
		for _, file := range found {
			text, err := local.DumpLog(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range dumpedBatch.FindAllSubmatch(text, -1) {
				if string(b[1]) != "true" || bytes.Contains(b[0], []byte("isTransactional: true")) {
					t.Errorf("%s: %s", file, b[0])
				}
			}
			for _, line := range bytes.Split(text, []byte("\n")) {
				if offset, ok := strings.CutPrefix(string(line), "| offset: "); ok {
					got = append(got, strings.Fields(offset)[0])
				}
			}
		}
		var offsets []string
		for _, r := range records {
			offsets = append(offsets, strconv.FormatInt(r.Offset, 10))
		}
		if !reflect.DeepEqual(got, offsets) {
			t.Errorf("partition %d: DumpLogSegments shows the offsets %v, want %v", p, got, offsets)
		}
	}
}

// loadedByABroker puts the segments where a stopped broker of another cluster
// has the topic's, and reads them from it.
func (w *world) loadedByABroker(t *testing.T, dir string, want map[int32][]recordbatch.Record) {
	t.Helper()
	kafka, err := local.StartKafka(t.Context(), t.TempDir(), local.KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Kill() })
	other := &world{kafka: kafka}
	other.client = other.dial(t)
	other.admin = kadm.NewClient(other.client)
	other.makeTopic(t, filed, 2, map[string]string{"retention.ms": "-1"})
	logs := map[int32]string{}
	until(t, time.Minute, "the broker has made the logs", func() bool {
		for p := range want {
			if own, err := kafka.Segments(1, filed, int(p)); err == nil && len(own) == 1 {
				logs[p] = filepath.Dir(own[0])
			}
		}
		return len(logs) == len(want)
	})
	if err := kafka.Stop(); err != nil {
		t.Fatal(err)
	}
	for p, log := range logs {
		replaceSegments(t, log, filepath.Join(dir, fmt.Sprintf("%s-%d", filed, p)))
	}
	if err := kafka.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := map[int32][]recordbatch.Record{}
	other.readTopic(t, filed, func(r *kgo.Record) { got[r.Partition] = append(got[r.Partition], plain(r)) })
	sameByPartition(t, "segments that a broker has loaded", got, want)
}

// replaceSegments leaves nothing of a partition's log but who it is, and puts
// other segments in its place. Without the note of a clean end the broker
// recovers the log, and makes the indexes.
func replaceSegments(t *testing.T, log, from string) {
	t.Helper()
	entries, err := os.ReadDir(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "partition.metadata" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(log, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(log, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(filepath.Dir(log), ".kafka_cleanshutdown")); err != nil {
		t.Fatal(err)
	}
}
