package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
)

// TopicConfigs tells how topics were set up when it was last written down.
type TopicConfigs interface {
	TopicConfig(ctx context.Context, topic string, l names.Lineage) (signed.TopicConfig, bool, error)
}

// settingsEvery is how often topics are looked at for changed settings. What
// changes more often than that is not worth a file each time.
const settingsEvery = time.Minute

// runSettings writes down how topics are set up, whenever that has changed.
// Whoever owns partition 0 of a topic does it, so that as a rule one member
// does; two of them would only write the same twice.
func (a *Archiver) runSettings(ctx context.Context) {
	known := map[names.Lineage]signed.TopicConfig{}
	tick := time.NewTicker(settingsEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-a.described:
		case <-ctx.Done():
			return
		}
		for _, p := range a.all() {
			if p.key.Partition != 0 || !p.began.Load() {
				continue
			}
			if err := a.describe(ctx, p, known); err != nil && ctx.Err() == nil {
				p.log.Warn("keep topic settings", "error", err)
			}
		}
	}
}

// describe compares a topic with what is known of it, and writes it down if it
// differs.
func (a *Archiver) describe(ctx context.Context, p *partition, known map[names.Lineage]signed.TopicConfig) error {
	l := p.name.Lineage
	now := signed.TopicConfig{
		Archive: a.archive, Topic: p.key.Topic, Lineage: l, Partitions: a.topology.partitions(p.key.Topic),
		Settings: a.settingsOf(ctx, p.key.Topic), At: time.Now().UTC().Truncate(time.Millisecond),
	}
	last, ok := known[l]
	if !ok {
		var err error
		if last, ok, err = a.configs.TopicConfig(ctx, p.key.Topic, l); err != nil {
			return err
		}
	}
	if !ok || !last.Same(now) {
		if err := a.keepSettings(ctx, now); err != nil {
			return err
		}
		last = now
	}
	known[l] = last
	return nil
}

func (a *Archiver) keepSettings(ctx context.Context, c signed.TopicConfig) error {
	file, err := a.signer.Seal(signed.KindTopicConfig, c)
	if err != nil {
		return err
	}
	name := names.TopicConfig(c.Topic, c.Lineage, c.At, names.Digest(sha256.Sum256(file)).Short())
	var errs []error
	for _, r := range a.regions {
		if err := r.Ensure(ctx, name, file, crc32c(file), time.Time{}); err != nil {
			errs = append(errs, fmt.Errorf("region %s: %w", r.Name(), err))
		}
	}
	if len(errs) == len(a.regions) {
		return errors.Join(errs...)
	}
	return nil // healing copies it to the other region
}

// settingsOf returns the topic's own settings, nil where they cannot be read:
// the permission to describe configurations may be missing.
func (a *Archiver) settingsOf(ctx context.Context, topic string) map[string]string {
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(ctx, a.topology.client)
	if err != nil || len(resp.Resources) != 1 || kerr.ErrorForCode(resp.Resources[0].ErrorCode) != nil {
		return nil
	}
	settings := map[string]string{}
	for _, c := range resp.Resources[0].Configs {
		if c.Source == kmsg.ConfigSourceDynamicTopicConfig && c.Value != nil && !c.IsSensitive {
			settings[c.Name] = *c.Value
		}
	}
	return settings
}

// describeSoon asks for a look at the topics' settings.
func (a *Archiver) describeSoon() {
	select {
	case a.described <- struct{}{}:
	default:
	}
}
