package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// testDamage: region a is damaged in every way in turn; verify names it each time, what is read comes from region b, and
// heal mends what can be mended.
func testDamage(t *testing.T, w *world) {
	l := w.newLoad(t, "hurt.", 1)
	topic := l.topics()[0]
	l.start(t, 2000)
	l.await(t, 8000)
	l.stop(t)
	a, stranger := w.newArchive(t, "hurt", `~hurt\..*`), w.newArchive(t, "stranger", `~hurt\..*`)
	a.catchUp(t)
	stranger.catchUp(t)
	a.verify(t)
	for _, d := range damages(t, a, stranger, topic) {
		t.Run(d.name, func(t *testing.T) {
			undo := a.keep(t, 0, d.bucket, d.object)
			defer undo()
			d.do()
			a.expectFinding(t, d)
			back := topic + "." + strings.ReplaceAll(d.name, " ", "-")
			a.restore(t, time.UnixMilli(l.newest.Load()), topic+"="+back)
			w.checkRestored(t, l.ledger, topic, back, l.newest.Load())
		})
	}
	a.verify(t)
	a.expectHealed(t, topic)
	a.expectLoss(t, topic, time.UnixMilli(l.newest.Load()))
}

// wound is one way to damage region a.
type wound struct {
	name, bucket, object string
	deep                 bool     // only --deep reads so far
	kinds                []string // of the finding, one of them
	do                   func()
}

func damages(t *testing.T, a, stranger *archive, topic string) []wound {
	t.Helper()
	segments := a.segmentsOf(t, topic)
	first, last := segments[0], segments[len(segments)-1]
	page, foreign := a.pages(t)[0], stranger.pages(t)[0]
	forged := strings.Replace(stranger.segmentsOf(t, topic)[0], stranger.name, a.name, 1)
	put := func(bucket, name string, body []byte) {
		_, err := store(t, a.w.stores[0]).PutObject(t.Context(), bucket, name, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	content := func(x *archive, bucket, name string) []byte {
		body, err := os.ReadFile(x.file(0, bucket, name))
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	flip := func(at func(n int) int) func([]byte) []byte {
		return func(b []byte) []byte { b[at(len(b))] ^= 0x10; return b }
	}
	return []wound{
		{"flipped in a block", dataBucket, first, true, []string{"damaged"}, func() {
			a.damage(t, 0, dataBucket, first, flip(func(n int) int { return n / 2 }))
		}},
		{"flipped in the footer", dataBucket, first, false, []string{"damaged", "forged"}, func() {
			a.damage(t, 0, dataBucket, first, flip(func(n int) int { return n - 60 }))
		}},
		{"cut short", dataBucket, last, false, []string{"damaged", "unreadable"}, func() {
			a.damage(t, 0, dataBucket, last, func(b []byte) []byte { return b[:len(b)-100] })
		}},
		{"missing", dataBucket, last, false, []string{"absent"}, func() {
			if err := os.Remove(a.file(0, dataBucket, last)); err != nil {
				t.Fatal(err)
			}
		}},
		{"forged", dataBucket, forged, false, []string{"forged"}, func() {
			put(dataBucket, forged, content(stranger, dataBucket, strings.Replace(forged, a.name, stranger.name, 1)))
		}},
		{"page missing", keysBucket, page, false, []string{"key-page-missing"}, func() {
			if err := os.Remove(a.file(0, keysBucket, page)); err != nil {
				t.Fatal(err)
			}
		}},
		{"page of another archive", keysBucket, page, false, []string{"key-page-forged", "wrong-key"}, func() {
			put(keysBucket, page, content(stranger, keysBucket, foreign))
		}},
	}
}

func (a *archive) segmentsOf(t *testing.T, topic string) []string {
	t.Helper()
	var of []string
	for _, name := range a.segments(t, 0) {
		if strings.HasPrefix(name, a.name+"/topics/"+topic+"/") {
			of = append(of, name)
		}
	}
	if len(of) == 0 {
		t.Fatalf("no segment of %s", topic)
	}
	return of
}

func (a *archive) pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for name := range a.names(t, 0, keysBucket) {
		if strings.HasSuffix(name, ".keys") {
			all = append(all, name)
		}
	}
	return all
}

// damage changes the content of an object behind the store's back.
func (a *archive) damage(t *testing.T, region int, bucket, name string, change func([]byte) []byte) {
	t.Helper()
	path := a.file(region, bucket, name)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(bytes.Clone(content)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keep remembers an object and returns what brings it back.
func (a *archive) keep(t *testing.T, region int, bucket, name string) func() {
	t.Helper()
	path := a.file(region, bucket, name)
	before, err := os.ReadFile(path)
	return func() {
		if err != nil { // it was not there
			_ = os.Remove(path)
		} else if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Error(err)
		}
	}
}

// report is what `verify --json` prints, as far as these tests read it.
type report struct {
	Totals struct {
		Known int64 `json:"offsets_in_known_gaps"`
	} `json:"totals"`
	Findings []struct {
		Kind   string `json:"kind"`
		Region string `json:"region"`
		Object string `json:"object"`
		Detail string `json:"detail"`
	} `json:"findings"`
}

// expectFinding expects verify to exit 1 and to name the object, the region and the damage.
func (a *archive) expectFinding(t *testing.T, d wound) {
	t.Helper()
	var args []string
	if d.deep {
		args = append(args, "--deep")
	}
	r := a.report(t, exitFindings, args...)
	for _, f := range r.Findings {
		for _, kind := range d.kinds {
			if f.Kind == kind && f.Region == "a" {
				t.Logf("verify: %s in region %s: %s: %s", f.Kind, f.Region, f.Object, f.Detail)
				return
			}
		}
	}
	t.Errorf("verify says nothing of %v in region a: %+v", d.kinds, r.Findings)
}

// report runs verify, expects an exit code, and returns what it found.
func (a *archive) report(t *testing.T, code int, args ...string) report {
	t.Helper()
	o := a.run(t, "verify", append(args, "--json")...)
	if o.code != code {
		t.Errorf("verify: exit %d, want %d\n%s%s", o.code, code, o.stdout, o.stderr)
	}
	var r report
	if err := json.Unmarshal(o.stdout, &r); err != nil {
		t.Fatalf("%v\n%s", err, o.stdout)
	}
	return r
}

// expectHealed: objects that one region lacks, a segment here, a page there, are copied back.
func (a *archive) expectHealed(t *testing.T, topic string) {
	t.Helper()
	lost := a.segmentsOf(t, topic)[0]
	for _, path := range []string{a.file(0, dataBucket, lost), a.file(1, keysBucket, a.pages(t)[0])} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if o := a.run(t, "verify"); o.code != exitFindings {
		t.Errorf("verify before healing: exit %d\n%s", o.code, o.stdout)
	}
	a.must(t, "heal")
	a.sameNames(t)
	a.verify(t)
}

// expectLoss: what is damaged in both regions is said with its offsets, by every verb that reads; nothing is passed over.
func (a *archive) expectLoss(t *testing.T, topic string, newest time.Time) {
	t.Helper()
	lost := a.segmentsOf(t, topic)[0]
	for region := range a.w.stores {
		defer a.keep(t, region, dataBucket, lost)()
		a.damage(t, region, dataBucket, lost, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	}
	for verb, args := range map[string][]string{
		"verify": {"--deep"}, "cat": {"--topic", topic}, "restore": restoreArgs(newest, topic+"="+topic+".lost"),
	} {
		o := a.run(t, verb, args...)
		if o.code != exitFindings || !bytes.Contains(append(o.stdout, o.stderr...), []byte("offsets")) {
			t.Errorf("%s of what is lost: exit %d\n%.500s\n%s", verb, o.code, o.stdout, o.stderr)
		}
	}
}
