package vectors_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pythonLimit bounds everything done with Python, downloads included.
const pythonLimit = 3 * time.Minute

// TestPythonReader holds read_segment.py to the same vectors.
func TestPythonReader(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), pythonLimit)
	defer cancel()
	python, err := findPython(ctx)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Python to run read_segment.py: %v", err)
		}
		t.Skipf("SKIPPED: read_segment.py was not run on the vectors, no Python with cryptography and zstandard: %v", err)
	}
	out, err := exec.CommandContext(ctx, python, "-B", "read_segment.py", "--vectors", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("read_segment.py: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	want := fmt.Sprintf("%d vectors, 0 judged wrongly", len(loadManifest(t).Vectors))
	if !strings.HasPrefix(string(out), want) {
		t.Errorf("read_segment.py did not say %q", want)
	}
}

// findPython returns a Python that has both modules: the system's, or one in an
// environment of its own in the user's cache, made on first use.
func findPython(ctx context.Context) (string, error) {
	system, err := exec.LookPath("python3")
	if err != nil {
		return "", err
	}
	if hasModules(ctx, system) {
		return system, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "tidemark-vectors-venv")
	python := filepath.Join(dir, "bin", "python3")
	if hasModules(ctx, python) {
		return python, nil
	}
	return python, makeEnvironment(ctx, system, dir, python)
}

func hasModules(ctx context.Context, python string) bool {
	return exec.CommandContext(ctx, python, "-c", "import cryptography, zstandard").Run() == nil
}

func makeEnvironment(ctx context.Context, system, dir, python string) error {
	for _, args := range [][]string{
		{system, "-m", "venv", dir},
		{python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "cryptography", "zstandard"},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(args[1:], " "), err, out)
		}
	}
	if !hasModules(ctx, python) {
		return errors.New("the modules are installed and cannot be imported")
	}
	return nil
}
