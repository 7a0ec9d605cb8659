package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// withGroups gives a script an administrator of its broker.
func withGroups(ts *testscript.TestScript, use func(ctx context.Context, admin *kadm.Client)) {
	client, err := kgo.NewClient(kgo.SeedBrokers(ts.Getenv("TIDEMARK_KAFKA_BROKERS")))
	ts.Check(err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	use(ctx, kadm.NewClient(client))
}

// commit GROUP TOPIC PARTITION OFFSET METADATA commits an offset of a group
// without members.
func commit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: commit GROUP TOPIC PARTITION OFFSET METADATA")
	}
	number, err := strconv.Atoi(args[2])
	ts.Check(err)
	at, err := strconv.ParseInt(args[3], 10, 64)
	ts.Check(err)
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: args[1], Partition: int32(number), At: at, LeaderEpoch: -1, Metadata: args[4]})
	withGroups(ts, func(ctx context.Context, admin *kadm.Client) { ts.Check(admin.CommitAllOffsets(ctx, args[0], o)) })
}

// committed GROUP TOPIC/PARTITION=OFFSET METADATA expects what a group has
// committed; with a ! before it, that it has nothing at all.
func committed(ts *testscript.TestScript, neg bool, args []string) {
	if neg && len(args) != 1 || !neg && len(args) < 2 {
		ts.Fatalf("usage: committed GROUP TOPIC/PARTITION=OFFSET METADATA, or ! committed GROUP")
	}
	withGroups(ts, func(ctx context.Context, admin *kadm.Client) {
		found, err := admin.FetchOffsets(ctx, args[0])
		if neg && err != nil {
			return
		}
		ts.Check(err)
		var got []string
		for _, r := range found.Sorted() {
			got = append(got, fmt.Sprintf("%s/%d=%d %s", r.Topic, r.Partition, r.At, r.Metadata))
		}
		if want := strings.Join(args[1:], " "); strings.Join(got, " ") != want {
			ts.Fatalf("group %s has committed %q, want %q", args[0], got, want)
		}
	})
}
