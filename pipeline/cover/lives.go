package cover

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// Lineages returns the lineages of a topic that some region holds anything of,
// sorted. It asks for one name of each, whatever lies in them.
func (a *Archive) Lineages(ctx context.Context, topic string) ([]names.Lineage, error) {
	if err := names.CheckTopic(topic); err != nil {
		return nil, err
	}
	found := map[names.Lineage]bool{}
	_, err := a.everywhere(ctx, func(ctx context.Context, r *Region) (func(), error) {
		lives, err := lineagesIn(ctx, r, topic)
		return func() { maps.Copy(found, lives) }, err
	})
	if err != nil {
		return nil, fmt.Errorf("list lineages of topic %s: %w", topic, err)
	}
	return slices.SortedFunc(maps.Keys(found), func(x, y names.Lineage) int { return strings.Compare(x.String(), y.String()) }), nil
}

func lineagesIn(ctx context.Context, r *Region, topic string) (map[names.Lineage]bool, error) {
	found := map[names.Lineage]bool{}
	prefix, after := names.TopicPrefix(topic), ""
	for {
		folder := ""
		for info, err := range r.Objects.List(ctx, prefix, after) {
			if err != nil {
				return found, err
			}
			folder, _, _ = strings.Cut(strings.TrimPrefix(info.Key, prefix), "/")
			break
		}
		if folder == "" {
			return found, nil
		}
		if l, err := names.ParseLineage(folder); err == nil {
			found[l] = true
		}
		after = prefix + folder + "/~" // "~" sorts after whatever lies in a lineage
	}
}

// PartitionCounts returns every number of partitions that a life of a topic
// had while it was archived, in rising order. It is empty when no settings were
// archived. Settings that no region gives are an error: what is in them might
// be the number that somebody looks for.
func (a *Archive) PartitionCounts(ctx context.Context, topic string, l names.Lineage) ([]int32, error) {
	files, _, err := a.filesUnder(ctx, names.TopicConfigPrefix(topic, l))
	counts := map[int32]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var c signed.TopicConfig
		if c, err = a.settingsIn(ctx, *files[name]); err != nil {
			break
		}
		if c.Topic == topic && c.Lineage == l && c.Partitions > 0 {
			counts[c.Partitions] = true
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read settings of topic %s: %w", topic, err)
	}
	return slices.Sorted(maps.Keys(counts)), nil
}

// settingsIn reads a file with settings from the first region that gives it.
func (a *Archive) settingsIn(ctx context.Context, f File) (signed.TopicConfig, error) {
	c, by, errs := fromPlaces(ctx, a, f.Places, func(ctx context.Context, r *Region) (c signed.TopicConfig, err error) {
		file, err := a.ReadFile(ctx, r.Name, f.Name)
		if err == nil {
			err = signed.Open(file, signed.KindTopicConfig, a.trust, signed.RoleArchive, &c)
		}
		return c, err
	})
	if by >= 0 {
		return c, nil
	}
	return c, fmt.Errorf("%s: %w", f.Name, joined(ctx, errs))
}
