package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/bench/events"
	"github.com/tidemark-io/tidemark/pipeline/drill"
)

// testDrill: all is restored on trial and compared with Kafka, to nowhere and to scratch topics; one region alone is enough;
// damage fails the drill; its evidence can be checked; an interrupt leaves nothing; an archiver drills on schedule.
func testDrill(t *testing.T, w *world) {
	l := w.newLoad(t, "drill.", 2)
	a := w.newArchive(t, "drill", `~drill\..*`)
	l.start(t, 2000)
	l.await(t, 12_000)
	l.stop(t)
	a.catchUp(t)

	r := a.drill(t, exitDone, "--all")
	a.expectDrilled(t, r, l, []string{"a", "b"})
	a.drillWithoutRegion(t, l)
	a.drillToScratch(t, l)
	a.drillDamaged(t)
	a.drillInterrupted(t)
	a.drillOnSchedule(t)
}

// drill runs the verb and returns its result.
func (a *archive) drill(t *testing.T, code int, args ...string) *drill.Result {
	t.Helper()
	o := a.run(t, "drill", append(args, "--json")...)
	var r drill.Result
	if err := json.Unmarshal(o.stdout, &r); err != nil || o.code != code {
		t.Fatalf("drill %v: exit %d, want %d: %v\n%.3000s\n%s", args, o.code, code, err, o.stdout, o.stderr)
	}
	t.Logf("drill %v: %s, first record back after %d ms, all %d after %d ms; recovery point %d ms, %d offsets",
		args, r.Outcome, r.Recovery.FirstMS, r.Recovery.Records, r.Recovery.AllMS, r.Point.MaxMS, r.Point.MaxOffsets)
	return &r
}

// expectDrilled expects every committed record to have been compared with Kafka, and no aborted one.
func (a *archive) expectDrilled(t *testing.T, r *drill.Result, l *load, regions []string) {
	t.Helper()
	want := l.ledger.Count(events.Committed)
	if r.Outcome != drill.OutcomePassed || r.Totals.Records != want || r.Totals.Source != want {
		t.Errorf("%s: %+v, want %d records\n%+v", r.Outcome, r.Totals, want, r.Findings)
	}
	if !slices.Equal(r.Regions, regions) || r.Totals.Copies != len(regions)*r.Totals.Segments || r.Totals.Sealed < want {
		t.Errorf("regions %v, %+v", r.Regions, r.Totals)
	}
	if !r.Point.Measured || r.Point.MaxOffsets != 0 {
		t.Errorf("recovery point %+v", r.Point)
	}
}

// drillWithoutRegion stops region a: the other is enough, for the restore and for the evidence.
func (a *archive) drillWithoutRegion(t *testing.T, l *load) {
	t.Helper()
	if err := a.w.stores[0].Stop(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(a.dir, "report")
	r := a.drill(t, exitDone, "--all", "--without-region", "a", "--report", dir)
	a.expectDrilled(t, r, l, []string{"b"})
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("report %v, %v", files, err)
	}
	a.must(t, "drill", "--check", files[1])
	if err := a.w.stores[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	evidence, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	forged := filepath.Join(a.dir, "forged.json")
	if err := os.WriteFile(forged, bytes.Replace(evidence, []byte(`"finding_count":0`), []byte(`"finding_count":1`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := a.run(t, "drill", "--check", forged); o.code != exitFindings {
		t.Errorf("a forged result: exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	a.must(t, "heal") // the result is in region b only
	a.level(t)
	if o := a.must(t, "drill", "--list"); !bytes.Contains(o.stdout, []byte(filepath.Base(files[1]))) {
		t.Errorf("the list lacks %s\n%s", files[1], o.stdout)
	}
}

// drillToScratch restores into scratch topics on the same cluster: they are compared, and gone afterwards.
func (a *archive) drillToScratch(t *testing.T, l *load) {
	t.Helper()
	r := a.drill(t, exitDone, "--all", "--target-brokers", a.w.kafka.Bootstrap(), "--prefix", "scratch-")
	a.expectDrilled(t, r, l, []string{"a", "b"})
	if r.Totals.Target != r.Totals.Records || len(r.Target.Topics) == 0 {
		t.Errorf("compared with the scratch topics: %+v, %+v", r.Totals, r.Target)
	}
	a.noScratch(t)
	if o := a.run(t, "drill", "--target-brokers", a.w.kafka.Bootstrap(), "--prefix", "drill."); o.code != exitFindings || !bytes.Contains(o.stderr, []byte("would be archived")) {
		t.Errorf("scratch topics that would be archived: exit %d\n%s", o.code, o.stderr)
	}
}

// noScratch expects the scratch topics to be gone, which brokers take a moment for.
func (a *archive) noScratch(t *testing.T) {
	t.Helper()
	client := a.w.dial(t)
	until(t, 20*time.Second, "the scratch topics are gone", func() bool { return !scratched(t, client) })
}

// scratched reports whether there is a scratch topic.
func scratched(t *testing.T, client *kgo.Client) bool {
	t.Helper()
	resp, err := kmsg.NewPtrMetadataRequest().RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(resp.Topics, func(topic kmsg.MetadataResponseTopic) bool {
		return topic.Topic != nil && strings.HasPrefix(*topic.Topic, "scratch-")
	})
}

// drillDamaged flips a byte in one region's copy: what comes back is right, for the other served; the drill fails.
func (a *archive) drillDamaged(t *testing.T) {
	t.Helper()
	hurt := a.segments(t, 1)[0]
	undo := a.keep(t, 1, dataBucket, hurt)
	defer undo()
	a.damage(t, 1, dataBucket, hurt, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	r := a.drill(t, exitFindings, "--all")
	if r.Outcome != drill.OutcomeFailed || r.FindingCount != 1 || r.Findings[0].Region != "b" || r.Findings[0].Kind != "damaged" {
		t.Errorf("%s: %+v", r.Outcome, r.Findings)
	}
}

// drillInterrupted: an interrupt in the middle leaves no topic behind.
func (a *archive) drillInterrupted(t *testing.T) {
	t.Helper()
	p := a.w.launch(t, filepath.Join(a.dir, "drill.log"), nil, "drill", "-c", a.config, "--all",
		"--target-brokers", a.w.kafka.Bootstrap(), "--prefix", "scratch-", "--max-rate", "256KiB")
	client := a.w.dial(t)
	until(t, 30*time.Second, "a scratch topic is there", func() bool { return scratched(t, client) || !p.running() })
	p.signal(syscall.SIGINT)
	if code := p.wait(t, time.Minute); code == exitDone {
		t.Errorf("interrupted: exit %d\n%s", code, p.tail())
	}
	a.noScratch(t)
}

// drillOnSchedule: the archiver drills by itself, and keeps what it found.
func (a *archive) drillOnSchedule(t *testing.T) {
	t.Helper()
	a.write(t, a.text(a.w.kafka.Bootstrap(), "")+"drill:\n  every: 1m\n  sample: 20%\n")
	p := a.member(t, "scheduled")
	type kept struct {
		Result *drill.Result `json:"result"`
	}
	scheduled := func() bool {
		var list []kept
		if err := json.Unmarshal(a.must(t, "drill", "--list", "--json").stdout, &list); err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(d kept) bool {
			return d.Result.Scheduled && d.Result.Outcome == drill.OutcomePassed && d.Result.Totals.Source > 0
		})
	}
	until(t, 3*time.Minute, "an archiver has drilled by itself", scheduled)
	if !p.running() {
		t.Errorf("the archiver ended with %d\n%s", p.code, p.tail())
	}
	p.kill()
}
