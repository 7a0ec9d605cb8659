package find

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// Partitioner is the rule by which a producer chose the partition of a key, of
// so many partitions.
type Partitioner func(key []byte, partitions int32) int32

// Murmur2 is the rule of Kafka's Java client and of those that follow it:
// franz-go, librdkafka's murmur2 and murmur2_random.
func Murmur2(key []byte, partitions int32) int32 {
	p := kgo.StickyKeyPartitioner(nil).ForTopic("")
	return int32(p.Partition(&kgo.Record{Key: key}, int(partitions)))
}

// CRC32 is librdkafka's consistent and consistent_random, its default, which
// confluent-kafka for Python, Go and .NET have, too. An empty key may be
// anywhere under consistent_random.
func CRC32(key []byte, partitions int32) int32 {
	return int32(crc32.ChecksumIEEE(key) % uint32(partitions))
}

// UnknownCountError says that nothing tells how many partitions a topic had,
// so that no partitioner can be asked.
type UnknownCountError struct {
	Topic   string
	Lineage names.Lineage
}

func (e *UnknownCountError) Error() string {
	return fmt.Sprintf("topic %s: the archive has no settings of its life %s, so that its number of partitions is not known: search all of them", e.Topic, e.Lineage)
}

// assignByKey asks the partitioner for every number of partitions that each
// life of the topic had: a topic that grew keeps the older records where they
// are.
func assignByKey(ctx context.Context, a *cover.Archive, topic string, keys [][]byte, o Options) ([]task, error) {
	lives, err := a.Lineages(ctx, topic)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, life := range lives {
		counts, err := a.PartitionCounts(ctx, topic, life)
		if err != nil {
			return nil, err
		}
		if len(counts) == 0 {
			return nil, &UnknownCountError{Topic: topic, Lineage: life}
		}
		in := spread(keys, counts, o)
		for _, n := range slices.Sorted(maps.Keys(in)) {
			tasks = append(tasks, task{names.Partition{Topic: topic, Lineage: life, Number: n}, in[n]})
		}
	}
	return tasks, nil
}

// spread says which keys may be in which partition.
func spread(keys [][]byte, counts []int32, o Options) map[int32][][]byte {
	in := map[int32][][]byte{}
	for _, key := range keys {
		at := map[int32]bool{}
		for _, count := range counts {
			at[o.Partitioner(key, count)] = true
		}
		for n := range at {
			if len(o.Partitions) == 0 || slices.Contains(o.Partitions, n) {
				in[n] = append(in[n], key)
			}
		}
	}
	for _, some := range in {
		slices.SortFunc(some, bytes.Compare)
	}
	return in
}
