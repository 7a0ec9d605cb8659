package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/deploy/local"
)

// testDump: Kafka's own dump tool reads decrypted segments, and finds in them what was written.
func testDump(t *testing.T, w *world) {
	w.makeTopic(t, "dumped", 1, nil)
	var want []string
	for i, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.ZstdCompression()} {
		client := w.dial(t, kgo.ProducerBatchCompression(codec))
		for j := range 20 {
			r := &kgo.Record{Topic: "dumped", Key: fmt.Appendf(nil, "key-%d", j), Value: fmt.Appendf(nil, "value %d of codec %d", j, i)}
			if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("offset: %d key: %s payload: %s", r.Offset, r.Key, r.Value))
		}
	}
	a := w.newArchive(t, "dumped", "dumped")
	a.catchUp(t)
	if got := a.dump(t); !slices.Equal(got, want) {
		t.Errorf("Kafka's dump tool shows\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	t.Logf("DumpLogSegments: %d records, every batch valid", len(want))
}

var (
	dumpedBatch  = regexp.MustCompile(`(?m)^baseOffset: .* isvalid: (\w+)`)
	dumpedRecord = regexp.MustCompile(`(?m)^\| (offset: \d+) .*\b(key: \S+ payload: .*)$`)
)

// dump shows every segment of the archive's first region to Kafka's tool.
func (a *archive) dump(t *testing.T) []string {
	t.Helper()
	var records []string
	for _, name := range a.segments(t, 0) {
		body := filepath.Join(t.TempDir(), "body.log")
		a.must(t, "inspect", "--kafka-log", body, strings.TrimPrefix(name, a.name+"/"))
		text, err := local.DumpLog(t.Context(), body)
		if err != nil {
			t.Fatal(err)
		}
		batches := dumpedBatch.FindAllSubmatch(text, -1)
		for _, b := range batches {
			if string(b[1]) != "true" {
				t.Errorf("%s: a batch that is not valid:\n%s", name, b[0])
			}
		}
		if len(batches) == 0 {
			t.Errorf("%s: the tool saw no batch:\n%s", name, text)
		}
		for _, r := range dumpedRecord.FindAllSubmatch(text, -1) {
			records = append(records, string(r[1])+" "+string(r[2]))
		}
	}
	return records
}
