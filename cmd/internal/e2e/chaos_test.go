package e2e

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/events"
)

const (
	// session is the shortest that a default broker takes. A member that is frozen for two sessions is a zombie.
	session = 6 * time.Second
	// kills is how often an archiver dies in the middle of its work.
	kills = 30
)

// chaos is up to three members of one group and what happens to them.
type chaos struct {
	t       *testing.T
	a       *archive
	rnd     *rand.Rand
	members [3]*process

	killed, stopped, started int
}

// testChaos: archivers die, freeze, come and go while producers write; then the ledger is compared with each region and
// with what a restore brings.
func testChaos(t *testing.T, w *world) {
	l := w.newLoad(t, "chaos.", 4)
	a := w.newArchive(t, "chaos", `~chaos\..*`)
	l.start(t, 1000)
	c := &chaos{t: t, a: a, rnd: w.random(1000)}
	c.until(kills / 2)
	c.freeze()
	c.until(kills)
	l.stop(t)
	c.end()
	a.expectWhole(t, l)
	t.Logf("killed %d times, stopped %d, started %d", c.killed, c.stopped, c.started)
}

// expectWhole archives the rest, and compares everything with the ledger.
func (a *archive) expectWhole(t *testing.T, l *load) {
	t.Helper()
	if l.ledger.Count(events.Aborted) == 0 {
		t.Error("no transaction was aborted, so nothing is proven about them")
	}
	stored := len(a.names(t, 0, dataBucket))
	a.catchUp(t)
	t.Logf("%d objects, %d of them stored by the last run", len(a.names(t, 0, dataBucket)), len(a.names(t, 0, dataBucket))-stored)
	a.checkRegions(t, l.ledger)
	a.level(t)
	var pairs []string
	for _, topic := range l.topics() {
		l.w.checkKafka(t, l.ledger, topic)
		pairs = append(pairs, topic+"="+topic+".back")
	}
	a.restore(t, time.UnixMilli(l.newest.Load()), pairs...)
	for _, topic := range l.topics() {
		l.w.checkRestored(t, l.ledger, topic, topic+".back", l.newest.Load())
	}
}

// until lets things happen until so many members were killed.
func (c *chaos) until(killed int) {
	for c.killed < killed {
		c.pause(200*time.Millisecond, 2*time.Second)
		i := c.rnd.IntN(len(c.members))
		switch p := c.members[i]; {
		case p == nil || !p.running():
			c.start(i)
		case c.rnd.IntN(5) == 0:
			c.stop(i)
		default:
			p.kill()
			c.killed++
		}
	}
}

// start starts a member. Two are static (KIP-345) and get their partitions back at once, the third makes the group
// rebalance each time.
func (c *chaos) start(i int) {
	var env []string
	if i < 2 {
		env = append(env, fmt.Sprintf("TIDEMARK_KAFKA_GROUP_INSTANCE_ID=member-%d", i))
	}
	c.members[i] = c.a.member(c.t, fmt.Sprintf("member-%d", i), env...)
	c.started++
}

// stop asks a member to end, and expects it to store everything first.
func (c *chaos) stop(i int) {
	c.t.Helper()
	c.members[i].signal(syscall.SIGTERM)
	if code := c.members[i].wait(c.t, time.Minute); code != exitDone {
		c.t.Errorf("SIGTERM: exit %d\n%s", code, c.members[i].tail())
	}
	c.stopped++
}

// freeze stops a working member for two sessions, while the others take over its partitions, and lets it go on.
func (c *chaos) freeze() {
	for i := range c.members {
		if c.members[i] == nil || !c.members[i].running() {
			c.start(i)
		}
	}
	zombie := c.members[2]
	c.t.Cleanup(func() { zombie.signal(syscall.SIGCONT) })
	c.pause(session, session+time.Second) // it joins, and gets partitions
	zombie.signal(syscall.SIGSTOP)
	c.pause(2*session, 2*session+time.Second)
	zombie.signal(syscall.SIGCONT)
	c.pause(time.Second, 4*time.Second)
	if !zombie.running() {
		c.t.Logf("the zombie ended with %d", zombie.code)
	}
}

// end stops every member in good order.
func (c *chaos) end() {
	c.t.Helper()
	for i, p := range c.members {
		if p != nil && p.running() {
			c.stop(i)
		}
	}
}

// pause lets the members work.
func (c *chaos) pause(least, most time.Duration) {
	<-time.After(least + time.Duration(c.rnd.Int64N(int64(most-least))))
}
