package demo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/bench/events"
)

// role makes the test binary play the tidemark program.
const role = "DEMO_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "prints":
		fmt.Println(strings.Join(os.Args[1:], " "), os.Getenv("TIDEMARK_KAFKA_GROUP"))
	case "refuses":
		fmt.Println(`{"findings":1}`)
		fmt.Fprintln(os.Stderr, "looking\na segment is missing")
		os.Exit(1)
	case "breaks":
		fmt.Fprintln(os.Stderr, "no such thing")
		os.Exit(3)
	}
}

func testDemo(t *testing.T, as string) *demo {
	t.Helper()
	t.Setenv(role, as)
	opts, err := Options{Executable: os.Args[0]}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	space, err := newWorkspace(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := space.writeConfig("127.0.0.1:9092"); err != nil {
		t.Fatal(err)
	}
	return &demo{opts: opts, say: newProgress(io.Discard), space: space, ledger: events.NewLedger()}
}

func TestTidemarkRunsTheVerbOnTheDemosConfiguration(t *testing.T) {
	t.Setenv("TIDEMARK_KAFKA_GROUP", "from the environment")
	d := testDemo(t, "prints")
	out, err := d.tidemark(t.Context(), "verify", "--json")
	if want := "verify -c " + d.space.config + " --json \n"; err != nil || string(out) != want {
		t.Errorf("%v, printed %q, want %q", err, out, want)
	}
}

func TestExitCode1IsARefusal(t *testing.T) {
	d := testDemo(t, "refuses")
	out, err := d.tidemark(t.Context(), "verify")
	refused := (*refusal)(nil)
	if !errors.As(err, &refused) || refused.last != "a segment is missing" || !strings.Contains(string(out), "findings") {
		t.Errorf("%v, printed %q", err, out)
	}
	if err := d.verify(t.Context()); err != nil || d.report.Verified || d.report.clean() || len(d.report.Findings) != 1 {
		t.Errorf("%v, report %+v", err, d.report)
	}
}

func TestOtherExitCodesEndTheDemo(t *testing.T) {
	d := testDemo(t, "breaks")
	err := d.verify(t.Context())
	if err == nil || errors.As(err, new(*refusal)) || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("%v", err)
	}
}

func TestAnArchiverThatEndsIsNotWaitedFor(t *testing.T) {
	d := testDemo(t, "breaks")
	a, err := d.startArchiver(t.Context(), "archive-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.awaitSegment(t.Context(), a, 0); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("%v", err)
	}
	if _, err := a.stop(); err == nil {
		t.Error("an archiver that ended by itself passes for one that was stopped")
	}
	if err := a.end(); err != nil {
		t.Error(err)
	}
}

func TestFoundOffsets(t *testing.T) {
	lines := `{"topic":"orders","partition":1,"offset":9,"key":"7"}
{"topic":"orders","partition":1,"offset":4,"key":"7","payload":null}
{"topic":"orders","partition":1,"offset":5,"key":"8"}
{"found":2}
`
	got, err := foundOffsets([]byte(lines), "7")
	if err != nil || !slices.Equal(got, []int64{4, 9}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := foundOffsets([]byte("no JSON\n"), "7"); err == nil {
		t.Error("no error")
	}
}
