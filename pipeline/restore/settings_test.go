package restore

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// described is a source whose topics' settings were kept.
type described struct {
	shelves
	setup Setup
}

func (d described) Setups(context.Context, string, names.TopicID) ([]Setup, error) {
	return []Setup{d.setup}, nil
}

func TestSettingsAreALastStepOfTheirOwn(t *testing.T) {
	c, client := cluster(t)
	archive := described{
		shelves{orders(0): {batches: [][]byte{batch(t, recordbatch.Options{}, rec(0, 1000))}}},
		Setup{Partitions: 3, Settings: map[string]string{"retention.ms": "3600000", "cleanup.policy": "compact", "segment.bytes": "1048576"}},
	}
	p := plan(t, archive, client, request(1000))
	if got := p.Topics[0].PartitionCount; got != 3 {
		t.Errorf("%d partitions planned, want the 3 of the source, of which two never held a record", got)
	}
	warned := map[string]string{}
	for _, s := range p.Topics[0].Settings {
		warned[s.Name] = s.Effect
	}
	if !strings.Contains(warned["retention.ms"], "deletes") || !strings.Contains(warned["cleanup.policy"], "removes") || warned["segment.bytes"] != "" {
		t.Errorf("the plan warns %v", warned)
	}

	if _, err := Execute(t.Context(), p, archive, client, options(t)); err != nil {
		t.Fatal(err)
	}
	if n := len(c.TopicInfo("restored").Configs); n == 0 {
		t.Error("the target was created without settings of its own")
	}
	if got := configured(t, kadm.NewClient(client), "retention.ms"); got != "-1" {
		t.Errorf("retention.ms is %s after the restore, want -1", got)
	}
	if err := ApplySettings(t.Context(), p, kadm.NewClient(client)); err != nil {
		t.Fatal(err)
	}
	for name, want := range archive.setup.Settings {
		if got := configured(t, kadm.NewClient(client), name); got != want {
			t.Errorf("%s is %s at the end, want %s", name, got, want)
		}
	}
}

func configured(t *testing.T, client *kadm.Client, name string) string {
	t.Helper()
	all, err := client.DescribeTopicConfigs(t.Context(), "restored")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all[0].Configs {
		if c.Key == name && c.Value != nil {
			return *c.Value
		}
	}
	return ""
}

func TestEffectOfRetention(t *testing.T) {
	now := time.UnixMilli(10_000_000)
	if got := effect("retention.ms", "1000", now); !strings.Contains(got, moment(9_999_000)) {
		t.Errorf("%q does not name the moment", got)
	}
	for name, value := range map[string]string{"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete", "min.insync.replicas": "2"} {
		if got := effect(name, value, now); got != "" {
			t.Errorf("%s=%s: %q, want no warning", name, value, got)
		}
	}
}

func setTopic(t *testing.T, client *kgo.Client, name, value string) {
	t.Helper()
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: kadm.StringPtr(value)}}
	if _, err := kadm.NewClient(client).AlterTopicConfigs(t.Context(), change, "restored"); err != nil {
		t.Fatal(err)
	}
}
