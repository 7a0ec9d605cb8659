// Package local runs the real neighbours of tidemark on one machine, without
// containers: Apache Kafka in KRaft mode, S3 servers (versitygw over a
// directory) and PostgreSQL. `make up` and `make down` use it through the
// command in localctl, the end-to-end tests and the bench use it directly:
//
//	kafka, err := local.StartKafka(ctx, t.TempDir(), local.KafkaOptions{})
//	region, err := local.StartS3(ctx, t.TempDir(), local.S3Options{})
//	defer kafka.Kill()
//	defer region.Kill()
//	database, err := local.StartPostgres(ctx, local.PostgresOptions{})
//	defer database.Close()
//
// Kafka's jars come from Maven Central and the S3 server from the Go module
// proxy, once, into a cache; see [Install]. PostgreSQL is the system's, and
// comes from Maven Central where there is none. Everything listens on 127.0.0.1
// only, logs into a file, and dies with the process that started it, however
// that one dies (on Linux). Where Java or Maven is not there, [Missing] says so.
//
// It needs Linux or macOS.
package local

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// oldestJava is what a Kafka 4 broker runs on.
const oldestJava = 17

// Missing says in one line what this machine lacks to run Kafka and the S3
// servers, and is empty when nothing is missing. Maven and the go command
// count as missing only while what they fetch is not in the cache.
func Missing() string {
	var lacks []string
	if major, err := javaMajor(); err != nil || major < oldestJava {
		lacks = append(lacks, fmt.Sprintf("java %d or later", oldestJava))
	}
	cache, err := cacheDir()
	if err != nil {
		return err.Error()
	}
	for _, need := range []struct{ installed, command, says string }{
		{filepath.Join(cache, kafkaDirName()), "mvn", "mvn (Apache Maven)"},
		{filepath.Join(cache, s3DirName()), "go", "go"},
	} {
		if !exists(need.installed) && !onPath(need.command) {
			lacks = append(lacks, need.says)
		}
	}
	if len(lacks) == 0 {
		return ""
	}
	return "Apache Kafka and S3 servers cannot run here: missing " + strings.Join(lacks, " and ") +
		" (Debian: apt-get install default-jdk-headless maven)"
}

// TB is the part of testing.TB that [Require] needs.
type TB interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
}

// Require skips a test, visibly, where [Missing] has something to say. With
// CI=true in the environment it fails instead: there, a test that did not run
// must not look like one that passed.
func Require(t TB) {
	t.Helper()
	require(t, Missing())
}

func require(t TB, missing string) {
	t.Helper()
	switch {
	case missing == "":
	case os.Getenv("CI") == "true":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
}

func onPath(command string) bool {
	_, err := exec.LookPath(command)
	return err == nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// javaCommand prefers JAVA_HOME, as Kafka's own scripts do.
func javaCommand() string {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return filepath.Join(home, "bin", "java")
	}
	return "java"
}

// javaMajor asks java itself: on macOS a command of that name is there even
// when Java is not.
func javaMajor() (int, error) {
	out, err := exec.Command(javaCommand(), "-version").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("run java -version: %w", err)
	}
	return parseJavaMajor(string(out))
}

// parseJavaMajor reads the first number of the quoted version; before Java 9
// that number is 1, which is too old all the same.
func parseJavaMajor(banner string) (int, error) {
	found := regexp.MustCompile(`version "(\d+)`).FindStringSubmatch(banner)
	if found == nil {
		return 0, fmt.Errorf("read java version: no number in %q", banner)
	}
	return strconv.Atoi(found[1])
}
