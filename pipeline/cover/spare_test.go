package cover

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// lagging answers after a while.
type lagging struct {
	plain
	after time.Duration
}

func (l *lagging) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	timer := time.NewTimer(l.after)
	defer timer.Stop()
	select {
	case <-timer.C:
		return l.plain.ReadAt(ctx, key, p, off)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// The memory of second answers is counted while there are two, whoever wins, and
// given back when one of them has ended; without it no second answer is asked for.
func TestSpareMemoryIsCounted(t *testing.T) {
	for name, delays := range map[string][2]time.Duration{
		"the second wins": {time.Minute, time.Second}, "the first wins": {6 * time.Second, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const size = 4 << 20
				data := make([]byte, size)
				a, err := NewWith(nil, []Region{
					{Name: "a", Objects: &lagging{plain{data: data}, delays[0]}}, {Name: "b", Objects: &lagging{plain{data: data}, delays[1]}},
				}, Options{Hedge: true})
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(4500*time.Millisecond, func() {
					if held := spareBytes - a.spare.free; held != size {
						t.Errorf("%d bytes are counted while two answers are on their way, want %d", held, size)
					}
				})
				r := &ranges{archive: a, size: size, regions: []int{0, 1}}
				if _, _, err := r.read(t.Context(), 0, size, nil, nil); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if a.spare.free != spareBytes {
					t.Errorf("%d bytes stay counted", spareBytes-a.spare.free)
				}
				a.spare.free = size - 1
				_, by, err := r.read(t.Context(), 0, size, nil, nil)
				if err != nil || by != 0 || a.Use()[1].Hedges != 1 {
					t.Errorf("without memory for a second answer: region %d, %v, %d hedges", by, err, a.Use()[1].Hedges)
				}
			})
		})
	}
}
