package main

import (
	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/harness"
	"github.com/tidemark-io/tidemark/bench/report"
	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// benchPlaces are servers given by address.
type benchPlaces struct {
	brokers []string
	regions [2]struct{ url, keys string }
	pids    map[string]int
}

func (p *benchPlaces) flags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&p.brokers, "brokers", nil, "a Kafka cluster that is there, as `host:port,…`")
	for i, name := range []string{"a", "b"} {
		fs.StringVar(&p.regions[i].url, "region-"+name, "", "region "+name+", as s3://bucket/prefix?endpoint=… or file:///directory; credentials come from the environment")
		fs.StringVar(&p.regions[i].keys, "keys-"+name, "", "the place of the keys of region "+name)
	}
	fs.StringToIntVar(&p.pids, "pid", nil, "a server's process on this machine to account for, as `name=id`; kafka, \"region a\", \"region b\"")
}

func (p *benchPlaces) given() bool { return len(p.brokers) > 0 }

func (p *benchPlaces) servers() (*benchServers, error) {
	var brokers, regions []any
	for _, b := range p.brokers {
		brokers = append(brokers, b)
	}
	for i, name := range []string{"a", "b"} {
		for _, place := range []string{p.regions[i].url, p.regions[i].keys} {
			if err := new(config.Place).UnmarshalText([]byte(place)); err != nil {
				return nil, usage(err)
			}
		}
		regions = append(regions, map[string]any{"name": name, "url": p.regions[i].url, "keys_url": p.regions[i].keys})
	}
	s := &benchServers{close: func() error { return nil }}
	s.Config = map[string]any{"kafka": map[string]any{"brokers": brokers}, "regions": regions}
	s.Client = []kgo.Opt{kgo.SeedBrokers(p.brokers...)}
	s.Kafka, s.Stores = "given", "given"
	s.Processes = p.watched()
	return s, nil
}

func (p *benchPlaces) watched() []harness.Watched {
	var all []harness.Watched
	for _, name := range []string{"kafka", "region a", "region b"} {
		if pid, ok := p.pids[name]; ok {
			all = append(all, harness.Watched{Name: name, PID: pid})
		}
	}
	return all
}

// benchPoint is a single point by flags.
type benchPoint struct {
	kind     string
	workload report.Workload
	settings report.Settings
	size     config.Size
	memory   config.Size
	age      config.Duration
	keys     int
}

func (p *benchPoint) flags(fs *pflag.FlagSet) {
	w := &p.workload
	d := config.Default()
	p.size, p.memory, p.age = d.Segment.Size, d.Memory, d.Segment.Age
	fs.StringVar(&p.kind, "kind", "", "measure one point: backlog, live, fetch, floor, restore, cat, verify or find")
	fs.StringVar(&w.Format, "format", "order", "of events: order or debezium")
	fs.IntVar(&w.EventBytes, "event-bytes", 237, "key and value of an event, on average")
	fs.StringVar(&w.Codec, "codec", "zstd", "of the producer: none, gzip, snappy, lz4 or zstd")
	fs.IntVar(&w.BatchEvents, "batch-events", 200, "events in a batch")
	fs.Float64Var(&w.Ratio, "ratio", 0, "compressibility of the events; 0 is their own")
	fs.IntVar(&w.Partitions, "partitions", 64, "of the topic")
	fs.Float64Var(&w.KeySkew, "key-skew", 0, "s of Zipf's law over the keys")
	fs.BoolVar(&w.Transactions, "transactions", false, "produce in transactions")
	fs.Int64Var(&w.Events, "events", 10_000_000, "how many to produce")
	fs.Float64Var(&w.Rate, "rate", 0, "events a second of a live point")
	fs.BoolVar(&p.settings.KeyFilter, "key-filter", true, "archive with key filters")
	fs.StringVar(&p.settings.Compression, "compression", string(d.Segment.Compression), "of the archiver: zstd, s2 or none")
	fs.Var(textValue{&p.size}, "segment-size", "when a segment closes")
	fs.Var(textValue{&p.age}, "segment-age", "when a segment closes")
	fs.Var(textValue{&p.memory}, "memory", "the archiver's budget")
	fs.IntVar(&p.keys, "keys", 100, "how many keys to find")
}

func (p *benchPoint) spec() harness.Spec {
	s := harness.Spec{Name: p.kind, Kind: report.Kind(p.kind), Why: "asked for", Workload: p.workload, Settings: p.settings, Keys: p.keys}
	s.Settings.SegmentSize, s.Settings.Memory = int64(p.size), int64(p.memory)
	s.Settings.SegmentAge = p.age.Std().Seconds()
	return s
}
