package e2e

import (
	"testing"
	"time"
)

// testOutage: region a is gone for a while. Region b goes on, the group's offset waits, and afterwards both are equal.
func testOutage(t *testing.T, w *world) {
	l := w.newLoad(t, "outage.", 2)
	a := w.newArchive(t, "outage", `~outage\..*`)
	l.start(t, 400)
	p := a.member(t, "member")
	until(t, 30*time.Second, "both regions have segments", func() bool { return len(a.segments(t, 0)) > 5 && len(a.segments(t, 1)) > 5 })
	if err := w.stores[0].Stop(); err != nil {
		t.Fatal(err)
	}
	before := len(a.segments(t, 1))
	until(t, 60*time.Second, "region b goes on alone", func() bool { return len(a.segments(t, 1)) > before+20 })
	if err := w.stores[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.stop(t)
	until(t, 90*time.Second, "region a has caught up", func() bool { return len(a.segments(t, 0)) >= len(a.segments(t, 1)) })
	if !p.running() {
		t.Errorf("the archiver ended with %d\n%s", p.code, p.tail())
	}
	p.kill()
	a.catchUp(t)
	a.checkRegions(t, l.ledger)
	a.level(t)
}
