package objects_test

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

func openDir(t testing.TB, path string) *objects.Dir {
	t.Helper()
	d, err := objects.OpenDir(path, objects.DirOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDir(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) objects.Store { return openDir(t, t.TempDir()) })
}

func TestDirNotThere(t *testing.T) {
	_, err := objects.OpenDir(filepath.Join(t.TempDir(), "unmounted"), objects.DirOptions{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v, want ErrNotExist", err)
	}
}

func TestDirNameAndNamesBelow(t *testing.T) {
	d := openDir(t, t.TempDir())
	mustPut(t, d, "a/b", "x", objects.PutOptions{})
	for _, key := range []string{"a", "a/b/c"} {
		err := d.Put(t.Context(), key, nil, objects.PutOptions{})
		var e *objects.Error
		if !errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrExist) || !errors.As(err, &e) || e.Hint == "" || e.Retryable {
			t.Errorf("put %q beside a/b: %v", key, err)
		}
	}
}

// A symbolic link planted in the directory leads nowhere.
func TestDirFollowsNoLink(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := errors.Join(os.WriteFile(secret, []byte("s"), 0o600),
		os.Symlink(outside, filepath.Join(root, "dir")), os.Symlink(secret, filepath.Join(root, "file"))); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, root)
	for _, key := range []string{"dir/secret", "file"} {
		if body, err := d.Get(t.Context(), key); err == nil {
			t.Errorf("get %q: %q", key, body)
		}
	}
	if err := d.Put(t.Context(), "dir/new", nil, objects.PutOptions{}); err == nil {
		t.Error("put through a link succeeded")
	}
	for info, err := range d.List(t.Context(), "", "") {
		t.Errorf("list shows %q, %v", info.Key, err)
	}
}

// What a kill leaves behind is never an object.
func TestDirLeftoverIsHidden(t *testing.T) {
	root := t.TempDir()
	temp := filepath.Join(root, ".tmp")
	old, young := filepath.Join(temp, "old"), filepath.Join(temp, "young")
	long := time.Now().Add(-48 * time.Hour)
	if err := errors.Join(os.Mkdir(temp, 0o750), os.WriteFile(old, []byte("half"), 0o600),
		os.WriteFile(young, []byte("half"), 0o600), os.Chtimes(old, long, long)); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, root)
	for info, err := range d.List(t.Context(), "", "") {
		t.Errorf("list shows %q, %v", info.Key, err)
	}
	if _, err := d.Get(t.Context(), ".tmp/young"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("get of a temporary file: %v", err)
	}
	mustPut(t, d, "k", "x", objects.PutOptions{})
	_, oldErr := os.Stat(old)
	_, youngErr := os.Stat(young)
	if !errors.Is(oldErr, fs.ErrNotExist) || youngErr != nil {
		t.Errorf("after a put: old %v, young %v; want the old one swept", oldErr, youngErr)
	}
}

const childEnv = "TIDEMARK_TEST_DIR_WRITER"

// TestMain lets the test binary be the other process of TestDirKill.
func TestMain(m *testing.M) {
	if root := os.Getenv(childEnv); root != "" {
		writeForEver(root)
	}
	os.Exit(m.Run())
}

// writeForEver stores the objects 0, 1, 2... and names each on its standard
// output, until it is killed. One that is taken is left to the other writer.
func writeForEver(root string) {
	d, err := objects.OpenDir(root, objects.DirOptions{})
	if err != nil {
		os.Exit(3)
	}
	for i := 0; ; i++ {
		err := d.Put(tContext, objectName(i), objectBody(os.Getpid(), i), objects.PutOptions{})
		switch {
		case err == nil:
			os.Stdout.WriteString(objectName(i) + "\n")
		case !errors.Is(err, fs.ErrExist):
			os.Exit(4)
		}
	}
}

// Two processes write the same names until both are killed. Every name went
// to one of them, and holds that one's bytes, whole.
func TestDirKill(t *testing.T) {
	root := t.TempDir()
	owner := map[string]int{}
	for range 2 {
		a, b := startWriter(t, root), startWriter(t, root)
		for range 12 {
			a.claim(t, owner)
			b.claim(t, owner)
		}
		a.kill(t, owner)
		b.kill(t, owner)
	}
	d := openDir(t, root)
	listed := 0
	for info, err := range d.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		listed++
		body, err := d.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		pid, known := owner[info.Key]
		if len(body) != bodySize || (known && !bytes.HasPrefix(body, pidBytes(pid))) || !bytes.Equal(body[8:], bytes.Repeat(body[:8], bodySize/8-1)) {
			t.Errorf("%q is torn, or another's than %d's", info.Key, pid)
		}
	}
	if listed < len(owner) {
		t.Errorf("%d objects, want at least the %d that were acknowledged", listed, len(owner))
	}
}

type writer struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func startWriter(t *testing.T, root string) *writer {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+root)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &writer{cmd: cmd, lines: bufio.NewScanner(out)}
}

// claim reads one acknowledgement and checks that nobody else had it.
func (w *writer) claim(t *testing.T, owner map[string]int) bool {
	t.Helper()
	if !w.lines.Scan() {
		return false
	}
	name := w.lines.Text()
	if pid, taken := owner[name]; taken {
		t.Errorf("%q was given to %d and %d", name, pid, w.cmd.Process.Pid)
	}
	owner[name] = w.cmd.Process.Pid
	return true
}

func (w *writer) kill(t *testing.T, owner map[string]int) {
	t.Helper()
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for w.claim(t, owner) {
	}
	if err := w.cmd.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
}
