package e2e

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/deploy/local"
)

// rto is how long a restore may stand still when it loses a region.
const rto = 15 * time.Second

// loss is a way in which region a is lost, and how it comes back.
type loss struct {
	name       string
	cut, mend  func() error
	throughout bool // it is lost before the restore begins
	// said is what the restore has to say of it.
	said *regexp.Regexp
}

// TestRow69RegionCutInMidRestore: a restore that has lost its nearest region goes on from the other within the recovery
// time, and everything comes back; also one that begins while the region hangs.
func TestRow69RegionCutInMidRestore(t *testing.T) {
	local.Require(t)
	w := newWorld(t)
	l := w.newLoad(t, "cut.", 2)
	a := w.newArchive(t, "cut", `~cut\..*`)
	a.age = 200 * time.Millisecond // many segments, so that few are in memory when the region goes
	a.write(t, a.text(w.kafka.Bootstrap(), ""))
	p := a.member(t, "member")
	l.start(t, 4000)
	l.await(t, 150_000) // more than a restore holds in memory
	l.stop(t)
	p.signal(syscall.SIGTERM)
	if code := p.wait(t, time.Minute); code != exitDone {
		t.Fatalf("the archiver ended with %d\n%s", code, p.tail())
	}
	a.catchUp(t)
	proxy := newSlowed(t, w.stores[0])
	a.write(t, strings.ReplaceAll(a.text(w.kafka.Bootstrap(), ""), w.stores[0].URL, proxy.url))
	s := w.stores[0]
	for _, c := range []loss{
		{name: "hangs", cut: s.Pause, mend: s.Resume, said: askedLast},
		{name: "refuses", cut: s.Stop, mend: func() error { return s.Restart(t.Context()) }, said: askedLast},
		{name: "slow", cut: proxy.slow(2 * time.Second), mend: proxy.slow(0), said: otherGave},
		{name: "hangs-throughout", cut: s.Pause, mend: s.Resume, throughout: true, said: askedLast},
	} {
		t.Run(c.name, func(t *testing.T) { c.restore(t, a, l) })
	}
}

// What a restore says: that a region does not work, or at the end what the other one gave.
var (
	askedLast = regexp.MustCompile(`asked last`)
	otherGave = regexp.MustCompile(`region b gave .* in [1-9][0-9]* reads?;`)
)

// restore brings the load back while the region is lost, and looks at the target from outside.
func (c loss) restore(t *testing.T, a *archive, l *load) {
	newest := time.UnixMilli(l.newest.Load())
	var pairs, targets []string
	for _, topic := range l.topics() {
		targets = append(targets, topic+"."+c.name)
		pairs = append(pairs, topic+"="+topic+"."+c.name)
	}
	args := append([]string{"restore", "-c", a.config, "--max-rate", "3MiB"}, restoreArgs(newest, pairs...)...)
	all := l.ledger.Count(events.Committed)
	if c.throughout {
		c.must(t, c.cut)
	}
	p := a.w.launch(t, filepath.Join(a.dir, c.name+".log"), nil, args...)
	arrived := func() int64 { return a.w.arrived(t, targets) }
	if !c.throughout {
		until(t, time.Minute, "a fifth has arrived", func() bool { return arrived() > all/5 || !p.running() })
		c.must(t, c.cut)
	}
	defer c.must(t, c.mend)
	begin := time.Now()
	longest := standstill(p, arrived)
	t.Logf("%s: %d records, stood still for at most %.1f s in the %.1f s after the cut", c.name, arrived(), longest.Seconds(), time.Since(begin).Seconds())
	if code := p.wait(t, time.Minute); code != exitDone {
		t.Fatalf("restore: exit %d\n%s", code, p.tail())
	}
	if longest > rto {
		t.Errorf("the restore stood still for %s, above %s\n%s", longest, rto, p.tail())
	}
	for i, topic := range l.topics() {
		a.w.checkRestored(t, l.ledger, topic, targets[i], newest.UnixMilli())
	}
	said, err := os.ReadFile(p.log)
	if err != nil || !c.said.Match(said) {
		t.Errorf("nothing was said of the region: %v\n%s", err, said)
	}
}

func (c loss) must(t *testing.T, do func() error) {
	t.Helper()
	if err := do(); err != nil {
		t.Fatal(err)
	}
}

// standstill watches until the process has ended, and returns the longest time in which nothing arrived.
func standstill(p *process, arrived func() int64) (longest time.Duration) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last, moved := arrived(), time.Now()
	for {
		select {
		case <-p.done:
			return longest
		case <-tick.C:
		}
		if n := arrived(); n != last {
			last, moved = n, time.Now()
		}
		longest = max(longest, time.Since(moved))
	}
}

// arrived is how many records lie in these topics.
func (w *world) arrived(t *testing.T, topics []string) (n int64) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ends, err := w.admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return 0 // they are not there yet
	}
	for _, topic := range ends {
		for _, p := range topic {
			n += max(p.Offset, 0)
		}
	}
	return n
}

// slowed stands before an S3 server and lets every request wait.
type slowed struct {
	url   string
	delay atomic.Int64
}

func newSlowed(t *testing.T, s *local.S3) *slowed {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // it is signed
	}, ErrorLog: log.New(io.Discard, "", 0)}
	out := &slowed{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(time.Duration(out.delay.Load()))
		defer timer.Stop()
		select {
		case <-timer.C:
			forward.ServeHTTP(rw, r)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	out.url = server.URL
	return out
}

func (s *slowed) slow(d time.Duration) func() error {
	return func() error {
		s.delay.Store(int64(d))
		return nil
	}
}
