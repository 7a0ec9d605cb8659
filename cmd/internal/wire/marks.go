package wire

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/marks"
	"github.com/tidemark-io/tidemark/pipeline/telemetry"
)

// marksLoop writes the marks of an archiver, with a Kafka client of its own:
// what is asked about groups never sits in front of a heartbeat or a fetch.
func (a *Archive) marksLoop(x *Archiver, signer *signed.Signer) Loop {
	hooks := telemetry.NewMarks(a.Registry).Hooks()
	return Loop{Name: "marks", Run: func(ctx context.Context) error {
		options, err := KafkaOptions(&a.Config.Kafka, a.Log)
		if err != nil {
			return err
		}
		client, err := kgo.NewClient(options...)
		if err != nil {
			return fmt.Errorf("open client for consumer groups: %w", err)
		}
		defer client.Close()
		keeper := a.Keeper(signer)
		keeper.Failed = func(region string, d names.Document, err error) {
			a.Log.Warn("a region did not take a mark; heal copies it", "region", region, "mark", d.String(), "error", err)
		}
		return marks.New(marks.Config{
			Every: a.Config.Marks.Every.Std(), Wanted: wantedGroups(a.Config), Owner: x,
			Groups: marks.NewKafka(client), Keeper: keeper, Hooks: hooks, Log: a.Log,
		}).Run(ctx)
	}}
}

// wantedGroups is nil where none are.
func wantedGroups(c *config.Config) func(string) bool {
	if len(c.Marks.Groups) == 0 {
		return nil
	}
	var patterns []*regexp.Regexp
	for _, g := range c.Marks.Groups {
		pattern := g.Pattern
		if g.Name != "" {
			pattern = regexp.QuoteMeta(g.Name)
		}
		patterns = append(patterns, regexp.MustCompile("^(?:"+pattern+")$")) // validated
	}
	return func(group string) bool {
		return group != c.Kafka.Group && slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(group) })
	}
}
