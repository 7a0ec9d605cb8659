package keys

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gocloud.dev/gcerrors"
	"gocloud.dev/secrets"
	"gocloud.dev/secrets/driver"
	"gocloud.dev/secrets/drivertest"
)

// localHarness runs gocloud's own conformance suite on the local keeper.
type localHarness struct{}

func (localHarness) MakeDriver(context.Context) (driver.Keeper, driver.Keeper, error) {
	return &localKeeper{key: newKey()}, &localKeeper{key: newKey()}, nil
}
func (localHarness) Close() {}

func TestLocalConformance(t *testing.T) {
	drivertest.RunConformanceTests(t, func(context.Context, *testing.T) (drivertest.Harness, error) {
		return localHarness{}, nil
	}, nil)
}

func openLocalPath(path string) (*secrets.Keeper, error) {
	return OpenLocal(&url.URL{Scheme: LocalScheme, Path: path})
}

func TestLocalKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kms.key")
	if err := CreateLocalKey(path); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 || len(text) != 65 || text[64] != '\n' {
		t.Fatalf("mode %v, text of %d bytes", info.Mode(), len(text))
	}
	if err := CreateLocalKey(path); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("second create: %v, want fs.ErrExist", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(text, after) {
		t.Fatal("second create changed the key")
	}
	roundTrip(t, path, path)
	for _, mode := range []os.FileMode{0o400, 0o440, 0o640} { // 0440 is what fsGroup makes of a Kubernetes secret
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		roundTrip(t, path, path)
	}
}

func roundTrip(t *testing.T, sealWith, openWith string) {
	t.Helper()
	a, err := openLocalPath(sealWith)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openLocalPath(openWith)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := a.Encrypt(t.Context(), []byte("kek"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := b.Decrypt(t.Context(), sealed); err != nil || string(plain) != "kek" {
		t.Fatalf("got %q, %v", plain, err)
	}
}

func TestLocalKeyReopened(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := CreateLocalKey(a); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(a)
	// The same key without a newline, as a person may have saved it.
	if err := os.WriteFile(b, bytes.TrimSpace(text), 0o400); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, a, b)
}

func TestLocalKeyRefused(t *testing.T) {
	good := hex.EncodeToString(bytes.Repeat([]byte{0xab}, 32))
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"writable by the group": {good + "\n", 0o660, "chmod 0600"},
		"readable by all":       {good + "\n", 0o604, "chmod 0600"},
		"writable by all":       {good + "\n", 0o602, "chmod 0600"},
		"run by all":            {good + "\n", 0o601, "chmod 0600"},
		"short":                 {good[1:] + "\n", 0o600, "want 64 hex digits"},
		"long":                  {good + "00", 0o600, "want 64 hex digits"},
		"empty":                 {"", 0o600, "want 64 hex digits"},
		"raw":                   {strings.Repeat("g", 64), 0o600, "not a hex digit"},
		"two newlines":          {good + "\n\n", 0o600, "want 64 hex digits"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kms.key")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := openLocalPath(path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "ababab") {
				t.Fatalf("the error repeats the key: %v", err)
			}
		})
	}
}

func TestLocalURL(t *testing.T) {
	for _, text := range []string{"local://relative/kms.key", "local:", "local:///kms.key?x=1", "file:///kms.key"} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenLocal(u); err == nil || !strings.Contains(err.Error(), "want local:///") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := openLocalPath("/does/not/exist"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestLocalCodes(t *testing.T) {
	k := localKeeperIn(t, "x")
	_, err := k.Decrypt(t.Context(), []byte("sealed by nobody"))
	if gcerrors.Code(err) != gcerrors.InvalidArgument {
		t.Fatalf("code %v of %v", gcerrors.Code(err), err)
	}
}

// TestFIPSOnly runs the tests that do cryptography once more in a process
// where everything outside FIPS 140 panics or fails.
func TestFIPSOnly(t *testing.T) {
	if strings.Contains(os.Getenv("GODEBUG"), "fips140=only") {
		return // this is that process
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^Test(Local|Page|Writer|Ring)", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestWriterRoundTrip")) {
		t.Fatalf("under GODEBUG=fips140=only: %v\n%s", err, out)
	}
}
