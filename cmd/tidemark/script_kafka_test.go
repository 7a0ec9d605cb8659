package main

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafka TOPIC… starts a broker for the script, with topics of two partitions,
// and tells tidemark of it by TIDEMARK_KAFKA_BROKERS.
func kafka(ts *testscript.TestScript, neg bool, topics []string) {
	if neg || len(topics) == 0 {
		ts.Fatalf("usage: kafka TOPIC…")
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topics...))
	ts.Check(err)
	ts.Defer(c.Close)
	ts.Setenv("TIDEMARK_KAFKA_BROKERS", strings.Join(c.ListenAddrs(), ","))
}

// produce TOPIC FILE writes records: a line has partition, Unix milliseconds,
// key and value, with single spaces between. A value of one dash is null.
func produce(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: produce TOPIC FILE")
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(ts.Getenv("TIDEMARK_KAFKA_BROKERS")), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ts.Check(err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		part := strings.SplitN(strings.TrimRight(line, "\n"), " ", 4)
		if len(part) != 4 {
			ts.Fatalf("%s: want partition, time, key and value: %q", args[1], line)
		}
		number, err := strconv.Atoi(part[0])
		ts.Check(err)
		ms, err := strconv.ParseInt(part[1], 10, 64)
		ts.Check(err)
		r := &kgo.Record{Topic: args[0], Partition: int32(number), Timestamp: time.UnixMilli(ms), Key: []byte(part[2]), Value: []byte(part[3])}
		if part[3] == "-" {
			r.Value = nil
		}
		ts.Check(client.ProduceSync(ctx, r).FirstErr())
	}
}

// masks hide what is another each time: ids, digests, how long something took.
var masks = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`[0-9a-f]{64}`), "DIGEST"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "ARCHIVE"},
	{regexp.MustCompile(`\b[0-9a-f]{16}\b`), "SHORT"},
	{regexp.MustCompile(`(topics/[^/]+/|"lineage":"|topic id |\()[A-Za-z0-9_-]{22}`), "${1}TOPIC-ID"},
	{regexp.MustCompile(`"elapsed_ms":[0-9.]+`), `"elapsed_ms":0`},
	{regexp.MustCompile(`(sealed +after |key on |"segment_created":"|"signer_since":")[0-9TZ:.-]+`), "${1}TIME"},
}

// mask FILE writes what the last program printed to a file, for cmp, without
// what is another each time.
func mask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mask FILE")
	}
	got := ts.ReadFile("stdout")
	for _, m := range masks {
		got = m.what.ReplaceAllString(got, m.as)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(got), 0o600))
}

// flip FILE AT changes a bit of a byte; AT counts from the end if it is below 0.
func flipBit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE AT")
	}
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := []byte(ts.ReadFile(args[0]))
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}
