package marks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/archive"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/documents"
	"github.com/tidemark-io/tidemark/pipeline/marks"
)

type region struct{ *covertest.Region }

func (r region) Name() string { return r.Region.Name }

func keeper(w *covertest.World) *documents.Keeper {
	return &documents.Keeper{Archive: w.ID, Signer: w.Archiver, Regions: []documents.Region{region{w.A}, region{w.B}}}
}

// cluster is what an archiver and the brokers would say.
type cluster struct {
	standings map[archive.Key]archive.Standing
	reading   marks.Reading
	err       error
}

func (c *cluster) Tails() map[archive.Key]archive.Standing { return c.standings }

func (c *cluster) Read(context.Context, func(string) bool) (marks.Reading, error) {
	return c.reading, c.err
}

var (
	life  = names.Lineage{Topic: names.TopicID{9}, Branch: names.RootBranch}
	later = names.Lineage{Topic: names.TopicID{10}, Branch: names.RootBranch}
)

func at(topic string, n int32) archive.Key { return archive.Key{Topic: topic, Partition: n} }

func standing(l names.Lineage, count int32, a, b int64) archive.Standing {
	return archive.Standing{Lineage: l, Partitions: count, Tails: map[string]int64{"a": a, "b": b}, Stable: max(a, b) + 5}
}

func group(name string, offsets map[archive.Key]int64) marks.GroupReading {
	g := marks.GroupReading{Name: name, State: "Stable", Protocol: "consumer", At: time.Now(), Offsets: map[archive.Key]marks.Committed{}}
	for k, o := range offsets {
		g.Offsets[k] = marks.Committed{Offset: o, Metadata: "m"}
	}
	return g
}

func writer(w *covertest.World, c *cluster) *marks.Writer {
	return marks.New(marks.Config{
		Every: time.Minute, Wanted: func(string) bool { return true }, Owner: c, Groups: c, Keeper: keeper(w), Log: slog.New(slog.DiscardHandler),
	})
}

func write(t *testing.T, w *marks.Writer) {
	t.Helper()
	if err := w.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, w *covertest.World, moment time.Time, topics map[string]names.TopicID) *marks.Mark {
	t.Helper()
	m, err := marks.At(context.Background(), w.Archive(), moment, marks.Options{Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// told prints what a mark says of groups.
func told(m *marks.Mark) string {
	var out []string
	for _, g := range m.Groups {
		for _, o := range g.Offsets {
			out = append(out, fmt.Sprintf("%s %s/%d=%d", g.Name, o.Topic, o.Partition, o.Offset))
		}
	}
	return strings.Join(out, " ")
}

func count(w *covertest.World) (n int) {
	for _, k := range w.A.Keys() {
		if strings.HasPrefix(k, "marks/") {
			n++
		}
	}
	return n
}

// Two archivers own a part each; the mark of a moment has both, each as it was
// at or before it.
func TestMarkOfTwoWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		one := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 0): standing(life, 2, 10, 8)}}
		two := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 1): standing(life, 2, 20, 20)}}
		both := map[archive.Key]int64{at("orders", 0): 7, at("orders", 1): 15, at("other", 0): 3}
		one.reading.Groups = []marks.GroupReading{group("billing", both)}
		two.reading.Groups = one.reading.Groups
		first, second := writer(w, one), writer(w, two)
		write(t, first)
		time.Sleep(time.Second)
		write(t, second)
		early := time.Now()
		time.Sleep(time.Minute)
		one.standings[at("orders", 0)] = standing(life, 2, 30, 30)
		one.reading.Groups = []marks.GroupReading{group("billing", map[archive.Key]int64{at("orders", 0): 25, at("orders", 1): 16})}
		write(t, first)
		m := read(t, w, early, nil)
		if got := told(m); got != "billing orders/0=7 billing orders/1=15" || len(m.Partitions) != 2 || len(m.Documents) != 2 {
			t.Errorf("%s: %+v", got, m)
		}
		if o := m.Offsets()["orders"]; o[0] != 10 || o[1] != 20 || !m.At.Equal(m.Partitions[1].At) || m.Groups[0].Offsets[0].Metadata != "m" {
			t.Errorf("%+v", m)
		}
		m = read(t, w, time.Now(), map[string]names.TopicID{"orders": life.Topic})
		if got := told(m); got != "billing orders/0=25 billing orders/1=15" || m.Offsets()["orders"][0] != 30 {
			t.Errorf("%s: %+v", got, m)
		}
	})
}

// What has not changed is not written again, but now and then.
func TestOnlyChangesAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		c := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 0): standing(life, 1, 10, 10)}}
		x := writer(w, c)
		for range 5 {
			c.reading.Groups = []marks.GroupReading{group("billing", map[archive.Key]int64{at("orders", 0): 7})}
			write(t, x)
			time.Sleep(time.Minute)
		}
		if n := count(w); n != 1 {
			t.Errorf("%d marks, want 1", n)
		}
		time.Sleep(marks.Heartbeat)
		write(t, x)
		c.reading.Groups = nil
		write(t, x) // in the same millisecond
		time.Sleep(time.Millisecond)
		if n := count(w); n != 3 {
			t.Errorf("%d marks, want 3", n)
		}
		if m := read(t, w, time.Time{}, nil); len(m.Groups) != 0 {
			t.Errorf("a group that is gone: %+v", m.Groups)
		}
	})
}

// Whoever has had nothing for a while writes what it gets back, though it is what
// it wrote last: somebody else has written of it meanwhile.
func TestWhatComesBackIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		ours := map[archive.Key]archive.Standing{at("orders", 0): standing(life, 1, 10, 10)}
		one, two := &cluster{standings: ours}, &cluster{standings: ours}
		billing := func(o int64) []marks.GroupReading {
			return []marks.GroupReading{group("billing", map[archive.Key]int64{at("orders", 0): o})}
		}
		x, y := writer(w, one), writer(w, two)
		one.reading.Groups = billing(7)
		write(t, x)
		time.Sleep(time.Minute)
		one.standings, two.reading.Groups = nil, billing(5)
		write(t, x)
		write(t, y)
		time.Sleep(time.Minute)
		one.standings, one.reading.Groups = ours, billing(7)
		write(t, x)
		if got := told(read(t, w, time.Time{}, nil)); got != "billing orders/0=7" {
			t.Error(got)
		}
	})
}

// Run writes at whole minutes, and once more at the end.
func TestRunWritesALastMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		c := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 0): standing(life, 1, 10, 10)}}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		x := writer(w, c)
		time.Sleep(17 * time.Second)
		go func() { done <- x.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		c.standings = map[archive.Key]archive.Standing{at("orders", 0): standing(life, 1, 11, 11)}
		cancel()
		if err := <-done; err != nil || count(w) != 2 {
			t.Errorf("%d marks, %v", count(w), err)
		}
		if m := read(t, w, time.Time{}, nil); m.Offsets()["orders"][0] != 11 {
			t.Errorf("%+v", m)
		}
		if m := read(t, w, time.Now().Add(-time.Minute), nil); m.At.Second() != 0 {
			t.Errorf("the mark is of %s", m.At)
		}
	})
}

// A group that cannot be read stands as it was read last, with the time and the
// reason; one that never was is named.
func TestUnreadGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		c := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 0): standing(life, 1, 10, 10)}}
		c.reading.Groups = []marks.GroupReading{group("billing", map[archive.Key]int64{at("orders", 0): 7})}
		x := writer(w, c)
		write(t, x)
		asOf := time.Now()
		time.Sleep(time.Minute)
		busy := errors.New("a transaction is open")
		c.reading.Groups = []marks.GroupReading{{Name: "billing", Err: busy}, {Name: "new", Err: busy}}
		write(t, x)
		m := read(t, w, time.Time{}, nil)
		if told(m) != "billing orders/0=7" || !m.Groups[0].Offsets[0].At.Equal(asOf.UTC()) || m.Groups[1].Unread == "" || len(m.Warnings) != 2 {
			t.Errorf("%+v", m)
		}
		time.Sleep(time.Minute)
		c.reading, c.err = marks.Reading{}, errors.New("no broker answers")
		write(t, x)
		m = read(t, w, time.Time{}, nil)
		if told(m) != "billing orders/0=7" || !slices.ContainsFunc(m.Warnings, func(s string) bool { return strings.Contains(s, "no broker answers") }) {
			t.Errorf("%+v", m)
		}
	})
}

// A topic that was made again has another life: its marks are not those of the
// life before, and both can be asked for.
func TestLivesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		c := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 0): standing(life, 2, 10, 10), at("orders", 1): standing(life, 2, 11, 11)}}
		c.reading.Groups = []marks.GroupReading{group("billing", map[archive.Key]int64{at("orders", 0): 7, at("orders", 1): 8})}
		x := writer(w, c)
		write(t, x)
		time.Sleep(5 * time.Hour)
		c.standings = map[archive.Key]archive.Standing{at("orders", 0): standing(later, 1, 3, 3)}
		c.reading.Groups = []marks.GroupReading{group("billing", map[archive.Key]int64{at("orders", 0): 2})}
		write(t, x)
		now := time.Now()
		if m := read(t, w, now, map[string]names.TopicID{"orders": later.Topic}); told(m) != "billing orders/0=2" {
			t.Errorf("the new life: %s", told(m))
		}
		if m := read(t, w, now, map[string]names.TopicID{"orders": life.Topic}); told(m) != "billing orders/0=7 billing orders/1=8" {
			t.Errorf("the old life: %s", told(m))
		}
		if m := read(t, w, now, nil); m.Lives()["orders"] != later.Topic || m.Offsets()["orders"][0] != 3 {
			t.Errorf("%+v", m)
		}
	})
}

// An offset that was committed to another life than the one that is archived is
// of no use.
func TestOffsetsOfAnotherLife(t *testing.T) {
	w := covertest.New(t)
	c := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 0): standing(later, 1, 3, 3)}}
	g := group("billing", nil)
	g.Offsets[at("orders", 0)] = marks.Committed{Offset: 700, Topic: life.Topic}
	c.reading.Groups = []marks.GroupReading{g, {Name: "shared", Share: true, State: "Stable"}}
	write(t, writer(w, c))
	if m := read(t, w, time.Time{}, nil); told(m) != "" || len(m.Shares) != 1 || m.Shares[0].Name != "shared" {
		t.Errorf("%+v", m)
	}
}

// A mark that is too large for one document becomes several, and is one again.
func TestLargeMark(t *testing.T) {
	w := covertest.New(t)
	c := &cluster{standings: map[archive.Key]archive.Standing{}}
	offsets := map[archive.Key]int64{}
	for n := range int32(40) {
		for _, topic := range []string{"orders", "payments"} {
			c.standings[at(topic, n)] = standing(life, 40, int64(n), int64(n))
			offsets[at(topic, n)] = int64(n)
		}
	}
	for i := range 300 {
		g := group(fmt.Sprintf("group-%03d", i), offsets)
		for k := range g.Offsets {
			g.Offsets[k] = marks.Committed{Offset: g.Offsets[k].Offset, Metadata: strings.Repeat("x", 60)}
		}
		c.reading.Groups = append(c.reading.Groups, g)
	}
	write(t, writer(w, c))
	m := read(t, w, time.Time{}, nil)
	total := 0
	for _, g := range m.Groups {
		total += len(g.Offsets)
	}
	if count(w) < 4 || len(m.Partitions) != 80 || len(m.Groups) != 300 || total != 300*80 {
		t.Errorf("%d documents, %d partitions, %d groups, %d offsets", count(w), len(m.Partitions), len(m.Groups), total)
	}
}

// One partition with more groups than fit is cut by group.
func TestLargePartition(t *testing.T) {
	w := covertest.New(t)
	c := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 0): standing(life, 1, 3, 3)}}
	for i := range 500 {
		g := group(fmt.Sprintf("group-%03d", i), nil)
		g.Offsets[at("orders", 0)] = marks.Committed{Offset: 1, Metadata: strings.Repeat("x", 4096)}
		c.reading.Groups = append(c.reading.Groups, g)
	}
	write(t, writer(w, c))
	if m := read(t, w, time.Time{}, nil); count(w) < 2 || len(m.Groups) != 500 || len(m.Partitions) != 1 {
		t.Errorf("%d documents, %d groups", count(w), len(m.Groups))
	}
}

func TestNoMark(t *testing.T) {
	w := covertest.New(t)
	_, err := marks.At(context.Background(), w.Archive(), time.Now(), marks.Options{})
	if no := (*marks.NoMarkError)(nil); !errors.As(err, &no) || !no.First.IsZero() {
		t.Errorf("%v", err)
	}
	d, err := keeper(w).Keep(context.Background(), names.FolderMarks, time.Now(), signed.Mark{Topics: []signed.MarkTopic{{Topic: "orders", Lineage: life}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = marks.At(context.Background(), w.Archive(), d.At.Add(-time.Hour), marks.Options{})
	if no := (*marks.NoMarkError)(nil); !errors.As(err, &no) || !no.First.Equal(d.At) {
		t.Errorf("%v", err)
	}
	short := strings.TrimSuffix(strings.TrimPrefix(d.String(), "marks/"), ".json")
	for _, name := range []string{d.String(), short} {
		if m, err := marks.Named(context.Background(), w.Archive(), name, marks.Options{}); err != nil || !m.Asked.Equal(d.At) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "newest", strings.Replace(d.String(), "marks", "drills", 1), strings.Replace(short, "2", "1", 1)} {
		if _, err := marks.Named(context.Background(), w.Archive(), name, marks.Options{}); err == nil {
			t.Errorf("%q was found", name)
		}
	}
}

// The list has a moment for each document, with what was known of all
// partitions then.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		one := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 0): standing(life, 3, 1, 1), at("orders", 1): standing(life, 3, 1, 1)}}
		two := &cluster{standings: map[archive.Key]archive.Standing{at("orders", 2): standing(life, 3, 1, 1), at("payments", 0): standing(later, 1, 1, 1)}}
		two.reading.Groups = []marks.GroupReading{group("billing", map[archive.Key]int64{at("payments", 0): 7}), {Name: "busy", Err: errors.New("no")}}
		x, y := writer(w, one), writer(w, two)
		write(t, x)
		time.Sleep(time.Second)
		write(t, y)
		time.Sleep(time.Hour)
		one.standings = map[archive.Key]archive.Standing{at("orders", 0): standing(life, 3, 2, 2), at("orders", 1): standing(life, 3, 2, 2)}
		write(t, x)
		for _, c := range []struct {
			q    marks.Query
			want string
		}{
			{marks.Query{}, "2 of 3, 4 of 4 [billing busy] [busy], 4 of 4"},
			{marks.Query{Limit: 1}, "4 of 4"},
			{marks.Query{Topic: "payments"}, "1 of 1 [billing busy] [busy]"},
			{marks.Query{From: time.Now().Add(-time.Minute)}, "4 of 4"},
			{marks.Query{To: time.Now().Add(-time.Minute)}, "2 of 3, 4 of 4 [billing busy] [busy]"},
			{marks.Query{To: time.Now().Add(-48 * time.Hour)}, ""},
		} {
			found, warnings, err := marks.List(t.Context(), w.Archive(), c.q)
			if err != nil || len(warnings) > 0 {
				t.Fatal(warnings, err)
			}
			var got []string
			for _, m := range found {
				text := fmt.Sprintf("%d of %d", m.Covered, m.Partitions)
				if len(m.Groups) > 0 {
					text += fmt.Sprintf(" %v %v", m.Groups, m.Unread)
				}
				if named, err := marks.Named(t.Context(), w.Archive(), m.Name, marks.Options{}); err != nil || !named.At.Equal(m.At) {
					t.Errorf("%s: %v", m.Name, err)
				}
				got = append(got, text)
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("%+v: %s, want %s", c.q, s, c.want)
			}
		}
	})
}
