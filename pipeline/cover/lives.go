package cover

import (
	"context"
	"errors"
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
	if _, err := a.everywhere(ctx, func(r *Region) error { return lineagesIn(ctx, r, topic, found) }); err != nil {
		return nil, fmt.Errorf("list lineages of topic %s: %w", topic, err)
	}
	return slices.SortedFunc(maps.Keys(found), func(x, y names.Lineage) int { return strings.Compare(x.String(), y.String()) }), nil
}

func lineagesIn(ctx context.Context, r *Region, topic string, found map[names.Lineage]bool) error {
	prefix, after := names.TopicPrefix(topic), ""
	for {
		folder := ""
		for info, err := range r.Objects.List(ctx, prefix, after) {
			if err != nil {
				return err
			}
			folder, _, _ = strings.Cut(strings.TrimPrefix(info.Key, prefix), "/")
			break
		}
		if folder == "" {
			return nil
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
	files := map[string]*File{}
	_, err := a.everywhere(ctx, func(r *Region) error {
		return listFiles(ctx, r, names.TopicConfigPrefix(topic, l), files)
	})
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
func (a *Archive) settingsIn(ctx context.Context, f File) (c signed.TopicConfig, err error) {
	var errs []error
	for _, p := range f.Places {
		file, err := a.ReadFile(ctx, p.Region, f.Name)
		if err == nil {
			err = signed.Open(file, signed.KindTopicConfig, a.trust, signed.RoleArchive, &c)
		}
		if err == nil {
			return c, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", f.Name, err))
	}
	return c, errors.Join(errs...)
}
