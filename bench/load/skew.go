package load

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/twmb/franz-go/pkg/kgo"
)

// population is how many keys there are when they are drawn by Zipf's law.
const population = 1_000_000

// skew draws keys by Zipf's law: the k-th has a share of 1/k^s. Other than
// rand.Zipf it takes any s above 0; shops are near 1.
type skew struct {
	sums []float64 // of the shares up to each key
	rng  *rand.Rand
}

func newSkew(s float64, seed uint64) *skew {
	z := &skew{sums: make([]float64, population), rng: rand.New(rand.NewPCG(seed, 2))}
	var sum float64
	for k := range z.sums {
		sum += math.Pow(float64(k+1), -s)
		z.sums[k] = sum
	}
	return z
}

// key is that of a customer. All have 14 bytes.
func (z *skew) key(k int) []byte { return fmt.Appendf(nil, "c-%012d", k) }

func (z *skew) draw() int {
	return sort.SearchFloat64s(z.sums, z.rng.Float64()*z.sums[len(z.sums)-1])
}

var userField = []byte(`"user_id":"`)

// rekey makes an event one of a customer that it draws, in its value too.
func (z *skew) rekey(e event) event {
	e.key = z.key(z.draw())
	i := bytes.Index(e.value, userField)
	if i < 0 {
		return e
	}
	i += len(userField)
	end := i + bytes.IndexByte(e.value[i:], '"')
	e.value = append(append(bytes.Clone(e.value[:i]), e.key...), e.value[end:]...)
	return e
}

// weights are the shares of the partitions when each key lies in its own.
func (z *skew) weights(partitions int) []float64 {
	out := make([]float64, partitions)
	before := 0.0
	for k, sum := range z.sums {
		out[partitionOf(z.key(k), partitions)] += (sum - before) / z.sums[len(z.sums)-1]
		before = sum
	}
	return out
}

// partitionOf is the partition of a key by the default partitioner of Java
// producers and of franz-go: murmur2.
func partitionOf(key []byte, partitions int) int32 {
	return int32(murmur2.Partition(&kgo.Record{Key: key}, partitions))
}

// murmur2 has no state where a record has a key.
var murmur2 = kgo.StickyKeyPartitioner(nil).ForTopic("")
