package local

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
)

const (
	// postgresVersion is what is fetched where the system has no PostgreSQL.
	postgresVersion = "17.5.0"
	// postgresGroup has builds of PostgreSQL that need nothing of the system
	// but libc, as jars that hold one archive each.
	postgresGroup = "io.zonky.test.postgres"

	copyGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
)

// debianPostgres is where Debian and Ubuntu put each major version.
const debianPostgres = "/usr/lib/postgresql/*/bin"

// postgresBuilds name the build for a system, by GOOS/GOARCH.
var postgresBuilds = map[string]string{
	"linux/amd64":  "linux-amd64",
	"linux/arm64":  "linux-arm64v8",
	"darwin/amd64": "darwin-amd64",
	"darwin/arm64": "darwin-arm64v8",
}

// MissingPostgres says in one line what this machine lacks to run PostgreSQL,
// and is empty when nothing is missing.
func MissingPostgres() string {
	if systemPostgres() != "" {
		return ""
	}
	cache, err := cacheDir()
	if err != nil {
		return err.Error()
	}
	if exists(filepath.Join(cache, postgresDirName())) {
		return ""
	}
	if postgresBuild() != "" && onPath("mvn") && onPath("tar") && onPath("xz") {
		return ""
	}
	return "PostgreSQL cannot run here: it is not installed, and to fetch it takes mvn (Apache Maven), tar and xz " +
		"(Debian: apt-get install postgresql)"
}

// InstallPostgres fetches what [StartPostgres] runs, 13 MB, unless the system or
// the cache has it.
func InstallPostgres(ctx context.Context) error {
	_, err := findPostgres(ctx)
	return err
}

// RequirePostgres is [Require] for [StartPostgres].
func RequirePostgres(t TB) {
	t.Helper()
	require(t, MissingPostgres())
}

func postgresBuild() string { return postgresBuilds[runtime.GOOS+"/"+runtime.GOARCH] }

func postgresDirName() string { return "postgres-" + postgresVersion + "-" + postgresBuild() }

// findPostgres returns the directory of the system's binaries, else of those
// in the cache.
func findPostgres(ctx context.Context) (string, error) {
	if dir := systemPostgres(); dir != "" {
		return dir, nil
	}
	return installPostgres(ctx)
}

// systemPostgres returns the directory of the newest binaries that the system
// has, "" if it has none.
func systemPostgres() string {
	found, _ := filepath.Glob(debianPostgres) // the pattern is well formed
	found = slices.DeleteFunc(found, func(dir string) bool { return !hasServer(dir) })
	if len(found) > 0 {
		return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(majorOf(a), majorOf(b)) })
	}
	onPath, err := exec.LookPath("initdb")
	if err != nil {
		return ""
	}
	if onPath, err = filepath.EvalSymlinks(onPath); err == nil && hasServer(filepath.Dir(onPath)) {
		return filepath.Dir(onPath)
	}
	return ""
}

func hasServer(dir string) bool {
	return exists(filepath.Join(dir, "initdb")) && exists(filepath.Join(dir, "postgres"))
}

// majorOf reads the version in a path of debianPostgres, 0 if there is none.
func majorOf(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// installPostgres returns the directory of the binaries in the cache.
func installPostgres(ctx context.Context) (string, error) {
	if postgresBuild() == "" {
		return "", errors.New(MissingPostgres())
	}
	dir, err := cached(ctx, postgresDirName(), func(dir string) error {
		slog.InfoContext(ctx, "fetching PostgreSQL from Maven Central", "version", postgresVersion)
		name := "embedded-postgres-binaries-" + postgresBuild()
		if err := run(ctx, dir, nil, "mvn", "--batch-mode", "--quiet", "--strict-checksums", copyGoal,
			"-Dartifact="+postgresGroup+":"+name+":"+postgresVersion, "-DoutputDirectory="+dir); err != nil {
			return err
		}
		return unpackPostgres(ctx, dir, filepath.Join(dir, name+"-"+postgresVersion+".jar"))
	})
	return filepath.Join(dir, "bin"), err
}

// unpackPostgres takes the one archive out of the jar and unpacks it.
func unpackPostgres(ctx context.Context, dir, jar string) error {
	archive := filepath.Join(dir, "postgres.txz")
	if err := extract(jar, "*.txz", archive); err != nil {
		return fmt.Errorf("read %s: %w", jar, err)
	}
	if err := run(ctx, dir, nil, "tar", "-xJf", archive); err != nil {
		return err
	}
	return errors.Join(os.Remove(archive), os.Remove(jar))
}

// extract writes the first file of a zip whose name matches into a file.
func extract(archive, pattern, into string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if ok, err := path.Match(pattern, f.Name); err != nil || !ok {
			continue
		}
		return extractFile(f, into)
	}
	return fmt.Errorf("it holds no %s", pattern)
}

func extractFile(f *zip.File, into string) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(into)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
