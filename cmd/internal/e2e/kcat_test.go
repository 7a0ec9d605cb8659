package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
)

// requireKcat skips where kcat is not installed; in CI that is a failure.
func requireKcat(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("kcat"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("kcat is not installed: apt-get install kcat")
	}
	t.Skip("kcat is not installed, so no independent client has looked: apt-get install kcat")
}

// kcat runs kcat with the text as its input.
func (w *world) kcat(t *testing.T, input string, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), "kcat", append([]string{"-b", w.kafka.Bootstrap()}, args...)...)
	c.Stdin = strings.NewReader(input)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("kcat %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return out
}

// seen is a record as kcat -J shows it, apart from where it lies.
type seen struct {
	Partition int32           `json:"partition"`
	TSType    string          `json:"tstype"`
	TS        int64           `json:"ts"`
	Headers   json.RawMessage `json:"headers"`
	Key       json.RawMessage `json:"key"`
	Payload   json.RawMessage `json:"payload"`
}

// kcatRead reads a topic to its end, by partition.
func (w *world) kcatRead(t *testing.T, topic string) map[int32][]seen {
	t.Helper()
	all := map[int32][]seen{}
	lines := json.NewDecoder(bytes.NewReader(w.kcat(t, "", "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J")))
	for lines.More() {
		var s seen
		if err := lines.Decode(&s); err != nil {
			t.Fatal(err)
		}
		all[s.Partition] = append(all[s.Partition], s)
	}
	return all
}

// kcatSets are what kcat writes: each set to a partition of its own, in every compression.
var kcatSets = []struct {
	args  []string
	input string
}{
	{[]string{"-K:"}, "k1:plain\nk2:second\n:empty key\nk3:\nk1:again\n"},
	{[]string{"-K:", "-Z"}, "k1:value\nk1:\n:null key\nk4:a:b:c\n"}, // -Z: what is empty is null
	{[]string{"-H", "a=1", "-H", "a=2", "-H", "empty=", "-H", "null", "-H", "z=Größe", "-H", "a=1"}, "no key, headers in order\nwith repeats\n"},
	{nil, strings.Repeat("the same line again and again\n", 500)},
}

// testKcat: what kcat wrote before, kcat reads after.
func testKcat(t *testing.T, w *world) {
	requireKcat(t)
	const topic, back = "kcat", "kcat-back"
	codecs := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	w.makeTopic(t, topic, int32(len(codecs)), nil)
	for p, codec := range codecs {
		for _, set := range kcatSets {
			args := append([]string{"-P", "-t", topic, "-z", codec, "-p", string(rune('0' + p))}, set.args...)
			w.kcat(t, set.input, args...)
		}
	}
	a := w.newArchive(t, topic, topic)
	a.catchUp(t)
	a.verify(t)
	before := w.kcatRead(t, topic)
	a.restore(t, newestSeen(before), topic+"="+back)
	after := w.kcatRead(t, back)
	if !reflect.DeepEqual(before, after) {
		t.Errorf("kcat read other records than it had written:\n%s\n%s", show(before), show(after))
	}
	n := 0
	for _, records := range before {
		n += len(records)
	}
	if len(before) != len(codecs) || n == 0 {
		t.Errorf("kcat sees %d partitions", len(before))
	}
	t.Logf("kcat: %d records in %d partitions, in and out equal", n, len(before))
}

func newestSeen(all map[int32][]seen) time.Time {
	var newest int64
	for _, records := range all {
		for _, r := range records {
			newest = max(newest, r.TS)
		}
	}
	return time.UnixMilli(newest)
}

func show(all map[int32][]seen) []byte {
	text, err := json.Marshal(all)
	if err != nil {
		return []byte(err.Error())
	}
	return text[:min(len(text), 2000)]
}
