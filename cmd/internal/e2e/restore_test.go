package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// restoreArgs are those of a restore of pairs A=B; what begins with a dash is another flag.
func restoreArgs(to time.Time, pairs ...string) []string {
	args := []string{"--to", to.UTC().Format(time.RFC3339Nano)}
	for _, p := range pairs {
		if !strings.HasPrefix(p, "-") {
			args = append(args, "--topic")
		}
		args = append(args, p)
	}
	return args
}

// restore brings topics back.
func (a *archive) restore(t *testing.T, to time.Time, pairs ...string) {
	t.Helper()
	a.must(t, "restore", restoreArgs(to, pairs...)...)
}

// testRestore: a moment in the middle, a restore that dies again and again, and what is refused.
func testRestore(t *testing.T, w *world) {
	l := w.newLoad(t, "past.", 3)
	a := w.newArchive(t, "past", `~past\..*`)
	l.start(t, 4000)
	l.await(t, 20_000)
	middle := time.Now()
	l.await(t, 40_000)
	l.stop(t)
	a.catchUp(t)
	orders := l.topics()[0]
	a.restore(t, middle, orders+"="+orders+".middle")
	w.checkRestored(t, l.ledger, orders, orders+".middle", middle.UnixMilli())

	newest := time.UnixMilli(l.newest.Load())
	pair := orders + "=" + orders + ".killed"
	a.dieRestoring(t, restoreArgs(newest, pair), restoreArgs(newest.Add(-time.Second), pair))
	w.checkRestored(t, l.ledger, orders, orders+".killed", newest.UnixMilli())
	a.expectRefusals(t, newest, orders)
}

// dieRestoring kills a restore in the middle and starts its successor at once, until one comes through. In between, another
// plan for the same target is refused.
func (a *archive) dieRestoring(t *testing.T, args, other []string) {
	t.Helper()
	rnd := a.w.random(2000)
	for deaths := 0; ; {
		p := a.w.launch(t, filepath.Join(a.dir, "restore.log"), nil, append([]string{"restore", "-c", a.config, "--max-rate", "512KiB"}, args...)...)
		select {
		case <-p.done:
			if p.code != exitDone || deaths < 3 {
				t.Errorf("restore, killed %d times: exit %d\n%s", deaths, p.code, p.tail())
			}
			t.Logf("restore: killed %d times, then done", deaths)
			return
		case <-time.After(500*time.Millisecond + time.Duration(rnd.IntN(700))*time.Millisecond):
			p.signal(syscall.SIGKILL)
			deaths++
		}
		if deaths == 2 {
			if o := a.run(t, "restore", other...); o.code != exitFindings {
				t.Errorf("a changed plan: exit %d\n%s%s", o.code, o.stdout, o.stderr)
			}
		}
	}
}

// expectRefusals: what would mix, lose or pretend is refused before anything is written.
func (a *archive) expectRefusals(t *testing.T, newest time.Time, topic string) {
	t.Helper()
	a.w.makeTopic(t, topic+".full", 3, nil)
	client := a.w.dial(t)
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic + ".full", Value: []byte("here first")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for what, args := range map[string][]string{
		"a target that is not empty":   restoreArgs(newest, topic+"="+topic+".full"),
		"a moment before the first":    restoreArgs(time.UnixMilli(1), topic+"="+topic+".before"),
		"a topic that is not archived": restoreArgs(newest, "nothing=of.that.name"),
	} {
		if o := a.run(t, "restore", args...); o.code != exitFindings {
			t.Errorf("%s: exit %d\n%s%s", what, o.code, o.stdout, o.stderr)
		}
	}
	if got := a.w.collect(t, topic+".full", everyRecord); len(got[0])+len(got[1])+len(got[2]) != 1 {
		t.Errorf("a refused restore wrote into its target: %v", got)
	}
}
