package cover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// TopicConfig returns how a life of a topic was set up last, as far as any
// region tells; ok is false when none does.
func (a *Archive) TopicConfig(ctx context.Context, topic string, l names.Lineage) (c signed.TopicConfig, ok bool, err error) {
	down, err := a.everywhere(ctx, func(ctx context.Context, r *Region) (func(), error) {
		found, here, err := a.topicConfigIn(ctx, r, topic, l)
		return func() {
			if here && (!ok || found.At.After(c.At)) {
				c, ok = found, true
			}
		}, err
	})
	for _, region := range slices.Sorted(maps.Keys(down)) {
		if !ok {
			err = fmt.Errorf("region %s: %w", region, down[region])
		}
	}
	if err != nil {
		return c, false, fmt.Errorf("read settings of topic %s: %w", topic, err)
	}
	return c, ok, nil
}

// topicConfigIn reads the newest of one region: names begin with their time.
func (a *Archive) topicConfigIn(ctx context.Context, r *Region, topic string, l names.Lineage) (c signed.TopicConfig, ok bool, err error) {
	newest := ""
	for info, err := range r.Objects.List(ctx, names.TopicConfigPrefix(topic, l), "") {
		if err != nil {
			return c, false, err
		}
		newest = info.Key
	}
	if newest == "" {
		return c, false, nil
	}
	file, err := a.ReadFile(ctx, r.Name, newest)
	if err != nil {
		return c, false, err
	}
	if err := signed.Open(file, signed.KindTopicConfig, a.trust, signed.RoleArchive, &c); err != nil {
		return c, false, fmt.Errorf("%s: %w", newest, err)
	}
	if c.Topic != topic || c.Lineage != l {
		return c, false, fmt.Errorf("%s is about another topic: %w", newest, signed.ErrSignature)
	}
	return c, true, nil
}

// TopicConfigs returns every set-up of a life of a topic that some region
// tells, the earliest first. The error names those that no region gives: what
// comes beside it is the rest.
func (a *Archive) TopicConfigs(ctx context.Context, topic string, l names.Lineage) ([]signed.TopicConfig, error) {
	files, _, err := a.filesUnder(ctx, names.TopicConfigPrefix(topic, l))
	var found []signed.TopicConfig
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c, failed := a.settingsIn(ctx, *files[name])
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		if c.Topic == topic && c.Lineage == l {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(x, y signed.TopicConfig) int { return x.At.Compare(y.At) })
	if err != nil {
		return found, fmt.Errorf("read settings of topic %s: %w", topic, err)
	}
	return found, nil
}
