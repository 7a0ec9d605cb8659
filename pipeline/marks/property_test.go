package marks_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/archive"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/marks"
)

// snapshot is what a mark said of one partition.
type snapshot struct {
	at      time.Time
	tail    int64
	offsets map[string]int64 // by group
}

// TestMarksOfRandomMoments: three archivers whose partitions move among them, and
// a topic that grows; at any moment the mark is what was written last of each
// partition at or before it.
func TestMarksOfRandomMoments(t *testing.T) {
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) { randomMoments(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func randomMoments(t *testing.T, r *rand.Rand) {
	w := covertest.New(t)
	const members = 3
	var clusters [members]*cluster
	var writers [members]*marks.Writer
	for i := range clusters {
		clusters[i] = &cluster{}
		writers[i] = writer(w, clusters[i])
	}
	owner, tails := map[archive.Key]int{at("orders", 0): 0}, map[archive.Key]int64{}
	committed := map[string]map[archive.Key]int64{"a": {}, "b": {}}
	history := map[archive.Key][]snapshot{}
	begun := time.Now()
	for range 120 {
		time.Sleep(time.Duration(r.IntN(90_000)) * time.Millisecond)
		k := at("orders", r.Int32N(int32(len(owner))))
		switch r.IntN(6) {
		case 0:
			owner[at("orders", int32(len(owner)))] = r.IntN(members) // the topic grows
		case 1:
			owner[k] = r.IntN(members) // a rebalance
		case 2:
			tails[k] += r.Int64N(50)
		case 3:
			committed[[]string{"a", "b"}[r.IntN(2)]][k] = r.Int64N(1000)
		default:
			remember(t, r.IntN(members), clusters[:], writers[:], owner, tails, committed, history)
		}
	}
	took := time.Since(begun)
	for range 50 {
		moment := begun.Add(time.Duration(r.Int64N(int64(took) + int64(time.Minute))))
		compareMoment(t, w, moment, history)
	}
}

// remember has a member write a mark, and notes what it says.
func remember(t *testing.T, i int, clusters []*cluster, writers []*marks.Writer, owner map[archive.Key]int, tails map[archive.Key]int64, committed map[string]map[archive.Key]int64, history map[archive.Key][]snapshot) {
	t.Helper()
	c := clusters[i]
	c.standings, c.reading = map[archive.Key]archive.Standing{}, marks.Reading{}
	for k, o := range owner {
		if o == i {
			c.standings[k] = standing(life, int32(len(owner)), tails[k], tails[k])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(committed)) {
		c.reading.Groups = append(c.reading.Groups, group(name, committed[name]))
	}
	write(t, writers[i])
	for k := range c.standings {
		s := snapshot{at: time.Now(), tail: tails[k], offsets: map[string]int64{}}
		for name, offsets := range committed {
			if o, ok := offsets[k]; ok {
				s.offsets[name] = o
			}
		}
		history[k] = append(history[k], s)
	}
}

func compareMoment(t *testing.T, w *covertest.World, moment time.Time, history map[archive.Key][]snapshot) {
	t.Helper()
	want := map[string]int64{}
	for k, all := range history {
		for _, s := range slices.Backward(all) {
			if s.at.After(moment) {
				continue
			}
			want[fmt.Sprint("tail ", k.Partition)] = s.tail
			for name, o := range s.offsets {
				want[fmt.Sprint(name, " ", k.Partition)] = o
			}
			break
		}
	}
	m, err := marks.At(t.Context(), w.Archive(), moment, marks.Options{Topics: map[string]names.TopicID{"orders": life.Topic}})
	if err != nil {
		if len(want) > 0 {
			t.Errorf("%s: %v", moment, err)
		}
		return
	}
	got := map[string]int64{}
	for _, p := range m.Partitions {
		got[fmt.Sprint("tail ", p.Number)] = p.Tail
	}
	for _, g := range m.Groups {
		for _, o := range g.Offsets {
			got[fmt.Sprint(g.Name, " ", o.Partition)] = o.Offset
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("at %s: %v, want %v", moment, got, want)
	}
}
