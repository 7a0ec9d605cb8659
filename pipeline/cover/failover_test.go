package cover_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
)

// hasty is how verbs read that give records back.
var hasty = cover.Options{Hedge: true, Patience: 2 * time.Second, Around: true}

// rto is what a restore may stand still when a region is lost.
const rto = 15 * time.Second

// large makes a segment that is read by ranges, of blocks of about 64 KiB.
func large(t *testing.T, w *covertest.World, in ...*covertest.Region) *segment.Sealed {
	t.Helper()
	s := covertest.Spec{Options: segment.Options{BlockSize: 64 << 10, Compression: block.None}}
	for s.Next < 40_000 {
		s.Batches = append(s.Batches, covertest.Batch(t, s.Next, 1000))
		s.Next += 1000
	}
	return w.Store(s, in...)
}

// sparsely makes a Read go by ranges: it wants every third block.
func sparsely(b segment.BlockInfo) bool { return b.Base/1000%3 != 0 }

// standing reads a partition, and tells how many records came and the longest
// time without one.
func standing(t *testing.T, a *cover.Archive, o cover.ReadOptions, at func(records int)) (records int, longest time.Duration) {
	t.Helper()
	d, last := recordbatch.NewDecoder(0), time.Now()
	for piece, err := range a.Read(t.Context(), covertest.Partition, o) {
		if err != nil {
			t.Fatal(err)
		}
		longest, last = max(longest, time.Since(last)), time.Now()
		for rec, err := range piece.Records(d) {
			if err != nil {
				t.Fatal(err)
			}
			checkRecord(t, rec)
			records++
		}
		at(records)
		time.Sleep(time.Millisecond) // the bubble's clock: a consumer takes its time
	}
	return records, longest
}

func use(a *cover.Archive, region string) cover.Use {
	for _, u := range a.Use() {
		if u.Region == region {
			return u
		}
	}
	return cover.Use{}
}

// The nearest region is lost in the middle: it hangs, refuses, or takes two
// seconds for each answer. Everything comes, soon, and later reads do not ask it
// first.
func TestRow69RegionLostWhileReading(t *testing.T) {
	for name, lose := range map[string]func(r *covertest.Region){
		"hangs":   (*covertest.Region).Hang,
		"refuses": (*covertest.Region).Down,
		"is slow": func(r *covertest.Region) { r.Delay(func(string, string) time.Duration { return 2 * time.Second }) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := covertest.New(t)
				w.Row(0, 200)
				a := w.ArchiveWith(hasty)
				records, longest := standing(t, a, cover.ReadOptions{}, func(n int) {
					if n == 500 {
						lose(w.A)
					}
				})
				if records != 2000 || longest > rto/2 {
					t.Errorf("%d records, want 2000; stood still for %s", records, longest)
				}
				if u := use(a, "a"); u.State != cover.Last {
					t.Errorf("region a is %s after it was lost: %+v", u.State, u)
				}
				if use(a, "b").Bytes == 0 {
					t.Error("region b gave nothing")
				}
			})
		})
	}
}

// A segment that is read by ranges goes on in the other region from where it
// was.
func TestRow69RegionLostWithinASegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		size := int64(len(large(t, w).Data))
		a := w.ArchiveWith(hasty)
		var before int64
		records, longest := standing(t, a, cover.ReadOptions{SkipBlock: sparsely}, func(n int) {
			if n == 5000 {
				before = w.B.Sent()
				w.A.Hang()
			}
		})
		if records < 13_000 || longest > rto/2 {
			t.Errorf("%d records, stood still for %s", records, longest)
		}
		if sent := w.B.Sent() - before; sent == 0 || sent > size*2/3 {
			t.Errorf("region b sent %d bytes for the rest of a segment of %d", sent, size)
		}
	})
}

// What the faster region gives is checked like everything else: where it is
// damaged, the slow one serves after all, and the finding names whose fault it was.
func TestRow50DamageInTheRegionThatIsFaster(t *testing.T) {
	for name, ranged := range map[string]func(segment.BlockInfo) bool{"whole": nil, "by ranges": sparsely} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := covertest.New(t)
				s := large(t, w)
				w.B.Flip(s.Name.String(), int(s.Footer.Blocks[0].Position)+20)
				w.A.Delay(func(op, _ string) time.Duration { return map[string]time.Duration{"readat": 6 * time.Second}[op] })
				got := readFrom(t, w.ArchiveWith(hasty), cover.ReadOptions{SkipBlock: ranged})
				got.wantLost(t)
				got.wantFindings(t, "damaged b")
				if ranged == nil && len(got.offsets) != 40_000 {
					t.Errorf("%d records, want 40000", len(got.offsets))
				}
			})
		})
	}
}

// Each region lacks what the other has, and one of them is slow.
func TestRow69EachLacksSomething(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		for i, s := range w.Row(0, 60) {
			switch i % 3 {
			case 0:
				w.A.Remove(s.Name.String())
			case 1:
				w.B.Remove(s.Name.String())
			}
		}
		w.A.Delay(func(op, _ string) time.Duration { return 700 * time.Millisecond })
		records, _ := standing(t, w.ArchiveWith(hasty), cover.ReadOptions{}, func(int) {})
		if records != 600 {
			t.Errorf("%d records, want 600", records)
		}
	})
}

// Nobody waits for the trial of a region, and one that answers again has its
// turn again.
func TestRow69RegionComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		w.Row(0, 40)
		var states []cover.State
		o := hasty
		o.Changed = func(region string, s cover.State) {
			if region == "a" { // and not its keys
				states = append(states, s)
			}
		}
		a := w.ArchiveWith(o)
		m, err := a.Map(t.Context(), covertest.Partition)
		if err != nil {
			t.Fatal(err)
		}
		again := func() (longest time.Duration) {
			last := time.Now()
			for _, err := range a.ReadMap(t.Context(), m, cover.ReadOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				longest, last = max(longest, time.Since(last)), time.Now()
			}
			return longest
		}
		w.A.Hang()
		again()
		time.Sleep(20 * time.Second)
		if took := again(); took != 0 {
			t.Errorf("a read waited %s while region a was on trial", took)
		}
		w.A.Delay(nil)
		time.Sleep(20 * time.Second)
		again()
		synctest.Wait()
		before := use(a, "a").Bytes
		again()
		if use(a, "a").Bytes == before || use(a, "a").State != cover.InTurn {
			t.Errorf("region a answers again and is not asked: %+v", use(a, "a"))
		}
		want := []cover.State{cover.Last, cover.OnTrial, cover.InTurn}
		if fmt.Sprint(states) != fmt.Sprint(want) {
			t.Errorf("states %v, want %v", states, want)
		}
	})
}

// A region that is slow now and then is asked twice for few of its reads.
func TestHedgesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		w.Row(0, 1000)
		a := w.ArchiveWith(hasty)
		var reads atomic.Int64
		w.A.Delay(func(op, _ string) time.Duration {
			if op == "readat" && reads.Add(1)%3 == 0 {
				return 1200 * time.Millisecond
			}
			return 0
		})
		records, _ := standing(t, a, cover.ReadOptions{}, func(int) {})
		hedges, asked := use(a, "b").Hedges, use(a, "a").Reads
		if records != 10_000 || hedges == 0 || float64(hedges) > 0.06*float64(asked)+10 {
			t.Errorf("%d records; %d hedges among %d reads", records, hedges, asked)
		}
	})
}

// A listing of a region that says nothing is given up when the other has told
// everything; one that goes on, however slowly, is not.
func TestRow40ListingDoesNotWaitForASilentRegion(t *testing.T) {
	for _, tt := range []struct {
		name  string
		delay func(op, _ string) time.Duration
		down  bool
		took  time.Duration
	}{
		{"silent", func(string, string) time.Duration { return covertest.Forever }, true, 4 * time.Second},
		{"silent in the middle", func(op, key string) time.Duration {
			if op == "entry" && strings.Contains(key, "00050-") {
				return covertest.Forever
			}
			return 0
		}, true, 4 * time.Second},
		{"slow", func(op, _ string) time.Duration {
			if op == "entry" {
				return time.Second
			}
			return 0
		}, false, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := covertest.New(t)
				w.Row(0, 20)
				w.B.Delay(tt.delay)
				a, begin := w.ArchiveWith(hasty), time.Now()
				m, err := a.Map(t.Context(), covertest.Partition)
				if err != nil || len(m.Segments) != 20 || (m.Down["b"] != nil) != tt.down || time.Since(begin) > tt.took {
					t.Fatalf("%v, %d segments, down %v, after %s", err, len(m.Segments), m.Down, time.Since(begin))
				}
				if !tt.down {
					return
				}
				if use(a, "b").State != cover.Last {
					t.Error("a region that said nothing is not remembered")
				}
				begin = time.Now()
				if _, err := a.Map(t.Context(), covertest.Partition); err != nil || time.Since(begin) > time.Second {
					t.Errorf("the next listing took %s, %v", time.Since(begin), err)
				}
			})
		})
	}
}

// Without patience every region is waited for: who heals or verifies must know.
func TestListingWithoutPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		w.Row(0, 3)
		w.B.Delay(func(string, string) time.Duration { return time.Hour })
		m, err := w.Archive().Map(t.Context(), covertest.Partition)
		if err != nil || len(m.Down) != 0 || len(m.Segments[0].Places) != 2 {
			t.Errorf("%v, %+v", err, m)
		}
	})
}

// A region whose archive.json is another's is left out, named, and nothing of
// it counts; with no other to vouch the archive is refused.
func TestRow81RegionOfAnotherArchiveIsLeftOut(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 3)
	other := signed.NewSigner(signed.RoleRoot, covertest.Key("other root"))
	foreign := w.Seal(other, signed.KindIdentity, signed.Identity{Archive: w.ID, Root: other.Public()})
	w.A.Put(names.Archive, foreign)
	a := w.ArchiveWith(hasty)
	m, err := a.Map(t.Context(), covertest.Partition)
	if err != nil || !errors.Is(m.Down["a"], signed.ErrSignature) || len(m.Segments[0].Places) != 1 {
		t.Fatalf("%v, %+v", err, m)
	}
	readFrom(t, a, cover.ReadOptions{}).want(t, span(0, 30))
	if sent := w.A.Sent(); sent > int64(2*len(foreign)) {
		t.Errorf("%d bytes were read from a region that was refused", sent)
	}
	w.B.Put(names.Archive, foreign)
	if got := readFrom(t, w.ArchiveWith(hasty), cover.ReadOptions{}); !errors.Is(got.err, signed.ErrSignature) {
		t.Errorf("no region vouches: %v", got.err)
	}
	w.B.Down()
	if got := readFrom(t, w.ArchiveWith(hasty), cover.ReadOptions{}); !errors.Is(got.err, signed.ErrSignature) {
		t.Errorf("one is another's, one is down: %v", got.err)
	}
}

// Key pages of a region that hangs come from the other.
func TestRow77KeysOfARegionHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		w.Row(0, 30)
		w.A.Delay(func(op, _ string) time.Duration {
			if op == "secret" {
				return covertest.Forever
			}
			return 0
		})
		records, longest := standing(t, w.ArchiveWith(hasty), cover.ReadOptions{}, func(int) {})
		if records != 300 || longest > rto/2 {
			t.Errorf("%d records, stood still for %s", records, longest)
		}
	})
}

// Both regions fail: what was lost is said, with a reason for each copy, and
// that a later attempt may do better.
func TestRow41BothRegionsFail(t *testing.T) {
	w := covertest.New(t)
	w.Row(0, 2)
	a := w.ArchiveWith(hasty)
	m, err := a.Map(context.Background(), covertest.Partition)
	if err != nil {
		t.Fatal(err)
	}
	w.A.Down()
	w.B.Down()
	var lost *cover.LostError
	for _, err := range a.ReadMap(context.Background(), m, cover.ReadOptions{}) {
		if !errors.As(err, &lost) || !lost.Unavailable() || len(lost.Copies) != 2 {
			t.Fatalf("got %v", err)
		}
	}
	if lost == nil {
		t.Error("nothing was said to be lost")
	}
}

// When a region begins to hang, a few reads find out; all others that wait for it
// turn to the other region then, although no more may be asked twice.
func TestRow69ReadsThatWaitFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		w.Row(0, 60)
		a := w.ArchiveWith(hasty)
		m, err := a.Map(t.Context(), covertest.Partition)
		if err != nil {
			t.Fatal(err)
		}
		w.A.Delay(func(op, _ string) time.Duration { return map[string]time.Duration{"readat": covertest.Forever}[op] })
		var done sync.WaitGroup
		begin := time.Now()
		for i := range int64(60) {
			done.Go(func() {
				for _, err := range a.ReadMap(t.Context(), m, cover.ReadOptions{From: 10 * i, To: 10*i + 10}) {
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		done.Wait()
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("60 reads at a time took %s", took)
		}
		if hedges := use(a, "b").Hedges; hedges > 8 {
			t.Errorf("%d hedges", hedges)
		}
	})
}

// A region that has become slow is asked last even when no read may be made twice
// any more.
func TestRow69SlowRegionIsFoundOutWithoutHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		w.Row(0, 400)
		a := w.ArchiveWith(hasty)
		var reads atomic.Int64
		slow := false
		w.A.Delay(func(op, _ string) time.Duration {
			switch n := reads.Add(1); {
			case op != "readat":
				return 0
			case slow:
				return 3 * time.Second
			case n%4 == 0:
				return 1200 * time.Millisecond
			}
			return 0
		})
		standing(t, a, cover.ReadOptions{To: 2000}, func(int) {})
		slow = true
		begin := time.Now()
		records, _ := standing(t, a, cover.ReadOptions{From: 2000}, func(int) {})
		if took := time.Since(begin); records != 2000 || took > 15*time.Second || use(a, "a").State != cover.Last {
			t.Errorf("%d records took %s: %+v", records, took, use(a, "a"))
		}
	})
}

// A plan looks at every object: beside a region that takes two seconds an answer
// it does not take that for each.
func TestRow69ObjectsAreVerifiedAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := covertest.New(t)
		w.Row(0, 100)
		w.A.Delay(func(string, string) time.Duration { return 2 * time.Second })
		a := w.ArchiveWith(hasty)
		m, err := a.Map(t.Context(), covertest.Partition)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for _, c := range m.Segments {
			o, err := a.VerifyAnywhere(t.Context(), c)
			if err != nil || o.Segment.Header().Base != c.Base {
				t.Fatalf("%s: %v", c, err)
			}
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("100 objects took %s", took)
		}
	})
}
