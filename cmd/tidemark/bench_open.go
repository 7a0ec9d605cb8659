package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/tidemark-io/tidemark/bench/harness"
	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
)

// openForBench opens the archive of a configuration that the harness wrote.
func openForBench(ctx context.Context, file string) (*harness.Archive, error) {
	cfg, err := config.Load(file, os.Environ())
	if err != nil {
		return nil, err
	}
	opened, err := wire.Open(ctx, cfg, slog.New(slog.DiscardHandler), wire.ForProof)
	if err != nil {
		return nil, err
	}
	if err := opened.Identify(ctx); err != nil {
		_ = opened.Close()
		return nil, err
	}
	out := &harness.Archive{Cover: opened.Cover, Close: opened.Close}
	for _, r := range opened.Regions {
		out.Regions = append(out.Regions, harness.Region{Name: r.Name, Data: r.Data, Keys: r.Keys})
	}
	return out, nil
}

// benchDefaults are the settings of an empty configuration.
func benchDefaults() report.Settings {
	d := config.Default()
	return report.Settings{
		KeyFilter: d.Segment.KeyFilter, Compression: string(d.Segment.Compression), SegmentSize: int64(d.Segment.Size),
		SegmentAge: d.Segment.Age.Std().Seconds(), Memory: int64(d.Memory),
	}
}

// givenServers are those of an ordinary configuration.
func (a *app) givenServers() (*benchServers, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	if err := cfg.NeedKafka(); err != nil {
		return nil, err
	}
	client, err := wire.KafkaOptions(&cfg.Kafka, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(a.configFile)
	if err != nil {
		return nil, err
	}
	var raw map[string]any
	if err := yaml.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("read %s: %w", a.configFile, err)
	}
	for _, key := range []string{"archive", "topics", "segment", "memory", "fetch", "telemetry", "state_dir"} {
		delete(raw, key)
	}
	base, err := filepath.Abs(filepath.Dir(a.configFile))
	if err != nil {
		return nil, err
	}
	absolute(raw, base)
	resolvePlaces(raw, cfg)
	s := &benchServers{close: func() error { return nil }}
	s.Config, s.Client = raw, client
	s.Kafka, s.Stores = "given: "+strings.Join(cfg.Kafka.Brokers, ","), "given"
	return s, nil
}

// absolute makes the names of files absolute, as the configuration's own
// folder has them.
func absolute(v any, base string) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			absolute(one, base)
		}
	case map[string]any:
		for key, one := range v {
			name, ok := one.(string)
			if ok && strings.HasSuffix(key, "_file") && name != "" && !filepath.IsAbs(name) {
				v[key] = filepath.Join(base, name)
			}
			absolute(one, base)
		}
	}
}

// resolvePlaces puts the places in as the program understands them.
func resolvePlaces(raw map[string]any, cfg *config.Config) {
	list, _ := raw["regions"].([]any)
	for i := range list {
		if r, ok := list[i].(map[string]any); ok && i < len(cfg.Regions) {
			r["url"], r["keys_url"] = cfg.Regions[i].URL.String(), cfg.Regions[i].KeysURL.String()
		}
	}
}
