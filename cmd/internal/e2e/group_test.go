package e2e

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// testGroup: the group's offsets are a hint. Reset ahead, or deleted, they make the archive neither skip nor repeat.
func testGroup(t *testing.T, w *world) {
	w.makeTopic(t, "hinted", 1, nil)
	w.produce(t, "hinted", 0, 100)
	a := w.newArchive(t, "hinted", "hinted")
	a.catchUp(t)
	if at := w.committed(t, a.name, "hinted"); at != 100 {
		t.Errorf("the group stands at %d, the archive at 100", at)
	}
	w.produce(t, "hinted", 100, 200)
	ahead := kadm.Offsets{}
	ahead.AddOffset("hinted", 0, 170, -1)
	if r, err := w.admin.CommitOffsets(t.Context(), a.name, ahead); err != nil || r.Error() != nil {
		t.Fatalf("reset the group: %v %v", err, r.Error())
	}
	a.catchUp(t)
	a.expectOffsets(t, "hinted", 200)

	w.produce(t, "hinted", 200, 300)
	if _, err := w.admin.DeleteGroup(t.Context(), a.name); err != nil {
		t.Fatal(err)
	}
	stored := len(a.segments(t, 0))
	a.catchUp(t)
	a.expectOffsets(t, "hinted", 300)
	if n := len(a.segments(t, 0)) - stored; n != 1 {
		t.Errorf("after the group was deleted %d segments were stored for one", n)
	}
	a.verify(t)
}

// committed is the group's offset of partition 0, -1 if there is none.
func (w *world) committed(t *testing.T, group, topic string) int64 {
	t.Helper()
	all, err := w.admin.FetchOffsets(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := all.Lookup(topic, 0); ok {
		return o.At
	}
	return -1
}

// expectOffsets expects partition 0 of a topic to hold each offset below an end once.
func (a *archive) expectOffsets(t *testing.T, topic string, end int64) {
	t.Helper()
	got := a.cat(t, topic)
	for i, l := range got {
		if l.Offset != int64(i) {
			t.Fatalf("%s: record %d has offset %d", topic, i, l.Offset)
		}
	}
	if int64(len(got)) != end {
		t.Errorf("%s: %d records, want %d", topic, len(got), end)
	}
	t.Logf("%s: %d offsets, each once", topic, len(got))
}

// testStop: SIGTERM with an open segment stores it, commits and exits 0.
func testStop(t *testing.T, w *world) {
	w.makeTopic(t, "stopped", 1, nil)
	w.produce(t, "stopped", 0, 100)
	a := w.newArchive(t, "stopped", "stopped")
	a.age = time.Hour // nothing closes by itself
	a.write(t, a.text(w.kafka.Bootstrap(), ""))
	metrics := freeAddress(t)
	p := a.member(t, "member", "TIDEMARK_TELEMETRY_LISTEN="+metrics)
	until(t, 30*time.Second, "all is fetched", func() bool {
		return strings.Contains(get("http://"+metrics+"/metrics"), `tidemark_fetched_records_total{topic="stopped"} 100`)
	})
	if n := len(a.segments(t, 0)); n != 0 {
		t.Errorf("%d segments closed before they should", n)
	}
	p.signal(syscall.SIGTERM)
	if code := p.wait(t, 30*time.Second); code != exitDone {
		t.Errorf("exit %d\n%s", code, p.tail())
	}
	a.expectOffsets(t, "stopped", 100)
	if at := w.committed(t, a.name, "stopped"); at != 100 {
		t.Errorf("the group stands at %d", at)
	}
	a.sameNames(t)
	a.verify(t)
}

// testSuccessor: who runs until caught up while another member has partitions, at work or dead and not yet missed, ends only
// when those are archived, too.
func testSuccessor(t *testing.T, w *world) {
	l := w.newLoad(t, "inherited.", 4)
	a := w.newArchive(t, "inherited", `~inherited\..*`)
	l.start(t, 500)
	p := a.member(t, "slow", "TIDEMARK_SEGMENT_AGE=10s")
	until(t, 60*time.Second, "the member has partitions", func() bool { return bytes.Contains(p.whole(t), []byte("partition begins")) })
	l.await(t, 2000)
	l.stop(t)
	a.catchUp(t)
	a.checkRegions(t, l.ledger)
	if !p.running() {
		t.Errorf("the other member ended with %d\n%s", p.code, p.tail())
	}
}

// testBalancer: the broker assigns partitions (KIP-848). A member joins and takes a part, and leaves again, while producers
// write.
func testBalancer(t *testing.T, w *world) {
	l := w.newLoad(t, "assigned.", 3)
	a := w.newArchive(t, "assigned", `~assigned\..*`)
	l.start(t, 500)
	const server = "TIDEMARK_KAFKA_BALANCER=server"
	one := a.member(t, "one", server)
	until(t, 60*time.Second, "one member stores", func() bool { return len(a.segments(t, 0)) > 10 })
	two := a.member(t, "two", server)
	until(t, 60*time.Second, "two members share the partitions", func() bool {
		return bytes.Contains(two.whole(t), []byte("partition begins"))
	})
	for _, p := range []*process{one, two} {
		p.signal(syscall.SIGTERM)
		if code := p.wait(t, time.Minute); code != exitDone {
			t.Errorf("SIGTERM: exit %d\n%s", code, p.tail())
		}
		if p == one && !two.running() {
			t.Errorf("the other member ended with %d\n%s", two.code, two.tail())
		}
	}
	l.stop(t)
	a.catchUp(t)
	a.checkRegions(t, l.ledger)
	a.level(t)
}

// freeAddress is a port that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get is the body of a page, empty while there is none.
func get(url string) string {
	answer, err := http.Get(url)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return ""
	}
	return string(body)
}
