package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

const (
	// s3Module is the S3 server, s3Version the release that the tests in this
	// package describe. The Go checksum database pins its content. It is not in
	// tidemark's go.mod, so its hundred dependencies are not tidemark's.
	s3Module  = "github.com/versity/versitygw"
	s3Version = "v1.8.0"

	// lockPoll is how often a waiting install looks whether another process
	// has finished the same one.
	lockPoll = 100 * time.Millisecond
)

var (
	//go:embed kafka/pom.xml
	kafkaPOM []byte
	//go:embed kafka/log4j2.properties
	kafkaLogging []byte
)

// Install fetches and builds what [StartKafka] and [StartS3] run, unless the
// cache has it: 45 MB of jars in ten seconds, and a build of the S3 server
// that takes minutes. The cache is $TIDEMARK_CACHE, else tidemark in the user's
// XDG cache directory. An interrupted Install leaves nothing half done, and
// several at once wait for each other.
func Install(ctx context.Context) error {
	if _, err := installKafka(ctx); err != nil {
		return err
	}
	_, err := installS3(ctx)
	return err
}

// KafkaVersion is the release of Apache Kafka that [StartKafka] runs.
func KafkaVersion() string {
	return string(regexp.MustCompile(`<kafka\.version>(.+)</kafka\.version>`).FindSubmatch(kafkaPOM)[1])
}

// S3Version is the release of versitygw that [StartS3] runs.
func S3Version() string { return s3Version }

// kafkaDirName holds a digest of the files that decide what is in it, so that
// an edit of one of them is never answered by an old cache.
func kafkaDirName() string {
	digest := sha256.Sum256(bytes.Join([][]byte{kafkaPOM, kafkaLogging}, nil))
	return fmt.Sprintf("kafka-%s-%x", KafkaVersion(), digest[:4])
}

func s3DirName() string { return "versitygw-" + s3Version }

// cacheDir follows the XDG base directory specification, also on macOS.
func cacheDir() (string, error) {
	if dir := os.Getenv("TIDEMARK_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "tidemark"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find cache directory: %w", err)
	}
	return filepath.Join(home, ".cache", "tidemark"), nil
}

// installKafka returns the directory of Kafka's jars and logging settings.
func installKafka(ctx context.Context) (string, error) {
	return cached(ctx, kafkaDirName(), func(dir string) error {
		slog.InfoContext(ctx, "fetching Apache Kafka from Maven Central", "version", KafkaVersion())
		if err := os.WriteFile(filepath.Join(dir, "pom.xml"), kafkaPOM, 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "log4j2.properties"), kafkaLogging, 0o644); err != nil {
			return err
		}
		// Without strict checksums Maven takes a damaged download with a warning.
		return run(ctx, dir, nil, "mvn", "--batch-mode", "--quiet", "--strict-checksums",
			"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+dir)
	})
}

// installS3 returns the path of the S3 server's binary.
func installS3(ctx context.Context) (string, error) {
	dir, err := cached(ctx, s3DirName(), func(dir string) error {
		slog.InfoContext(ctx, "building the S3 server, which takes some minutes", "module", s3Module, "version", s3Version)
		// GOFLAGS such as -mod=vendor speak of tidemark's module, not of this one.
		return run(ctx, dir, []string{"GOBIN=" + dir, "GOFLAGS="}, "go", "install", s3Module+"/cmd/versitygw@"+s3Version)
	})
	return filepath.Join(dir, "versitygw"), err
}

// cached returns the cache directory called name, after filling it where it is
// not there: in a directory beside it that takes the name only when complete.
func cached(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, name)
	if exists(dir) {
		return dir, nil
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("install %s: %w", name, err)
	}
	defer unlock()
	if exists(dir) { // by the one we waited for
		return dir, nil
	}
	if err := fillAndRename(dir, fill); err != nil {
		return "", fmt.Errorf("install %s: %w", name, err)
	}
	return dir, nil
}

func fillAndRename(dir string, fill func(dir string) error) error {
	unfinished, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".unfinished-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	if err := os.Chmod(unfinished, 0o755); err != nil {
		return err
	}
	if err := fill(unfinished); err != nil {
		return err
	}
	return os.Rename(unfinished, dir)
}

// lock waits for the one lock on a file; the kernel drops it when we die.
func lock(ctx context.Context, file string) (unlock func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	held, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = poll(ctx, lockPoll, func() (bool, error) {
		err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		held.Close()
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	return held.Close, nil
}

// run runs a command to its end and puts what it printed into the error.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), env...)
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("run %s: %w\n%s", name, err, lastLines(out, tailLines))
	}
	return nil
}

// poll calls done until it says yes or fails, or ctx ends.
func poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
