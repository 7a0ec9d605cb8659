package local

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"testing"
)

// The system's PostgreSQL hides the way that machines without one go.
func TestFetchedPostgresRuns(t *testing.T) {
	if postgresBuild() == "" || !onPath("mvn") || !onPath("xz") {
		require(t, "no build of PostgreSQL can be fetched here: it takes mvn (Apache Maven), tar and xz")
	}
	binaries, err := installPostgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tidemark-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPostgres(t.Context(), binaries, dir, PostgresOptions{})
	if err == nil {
		err = p.start(t.Context())
	}
	if err != nil {
		t.Fatal(errors.Join(err, os.RemoveAll(dir)))
	}
	t.Log(p.argv[0])
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if exists(dir) {
		t.Error("the end left its directory")
	}
}

func TestOpenToAll(t *testing.T) {
	inside := filepath.Join(t.TempDir(), "closed", "bin")
	if err := os.MkdirAll(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(inside), 0o700); err != nil {
		t.Fatal(err)
	}
	if open, err := openToAll(inside); open || err != nil {
		t.Errorf("a closed way: %v, %v", open, err)
	}
	if open, err := openToAll("/usr/bin"); !open || err != nil {
		t.Errorf("an open way: %v, %v", open, err)
	}
}

func TestMajorOf(t *testing.T) {
	for path, want := range map[string]int{"/usr/lib/postgresql/9.6/bin": 0, "/usr/lib/postgresql/15/bin": 15, "/opt/bin": 0} {
		if got := majorOf(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

func TestCredential(t *testing.T) {
	c, err := credential(&user.User{Uid: "101", Gid: "104"})
	if err != nil || c.Uid != 101 || c.Gid != 104 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := credential(&user.User{Uid: "S-1-5-21"}); err == nil {
		t.Errorf("an id that is no number: %+v", c)
	}
}
