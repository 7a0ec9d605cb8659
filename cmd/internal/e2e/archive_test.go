package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/deploy/local"
)

// quick is how often segments close in these tests: many small ones make many seams.
const quick = 500 * time.Millisecond

// archive is one archive of the shared servers, with a configuration as a person writes it.
type archive struct {
	w      *world
	name   string // of the group, and of the prefix in every bucket
	dir    string
	config string
	topics []string // names, or patterns after a tilde
	age    time.Duration
}

// newArchive writes a configuration and begins the archive. Topics are names, or patterns after a tilde.
func (w *world) newArchive(t *testing.T, name string, topics ...string) *archive {
	t.Helper()
	a := &archive{w: w, name: name, dir: t.TempDir(), topics: topics, age: quick}
	a.config = filepath.Join(a.dir, "tidemark.yaml")
	a.write(t, a.text(w.kafka.Bootstrap(), ""))
	a.must(t, "init")
	return a
}

func (a *archive) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(a.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// text is the configuration. sasl is put below kafka.
func (a *archive) text(brokers, sasl string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "archive:\n  trust_file: trust.json\n  signing_key_file: archive.key\nregions:\n")
	for i, s := range a.w.stores {
		b.WriteString(a.region(string(rune('a'+i)), s))
	}
	fmt.Fprintf(&b, "kafka:\n  brokers: [%s]\n  group: %s\n  session_timeout: %s\n%s", brokers, a.name, session, sasl)
	b.WriteString("topics:\n")
	for _, topic := range a.topics {
		if pattern, ok := strings.CutPrefix(topic, "~"); ok {
			fmt.Fprintf(&b, "  - pattern: '%s'\n", pattern)
		} else {
			fmt.Fprintf(&b, "  - name: %s\n", topic)
		}
	}
	fmt.Fprintf(&b, "segment:\n  size: 512KiB\n  age: %s\n  block: 64KiB\n", a.age)
	fmt.Fprintf(&b, "memory: 96MiB\nfetch:\n  max_wait: 100ms\n  min_bytes: 1KiB\n  max_bytes: 8MiB\n  max_partition_bytes: 1MiB\n")
	fmt.Fprintf(&b, "retention:\n  mode: governance\n  for: 1d\nshutdown_grace: 20s\ntelemetry:\n  listen: \"\"\n")
	return b.String()
}

func (a *archive) region(name string, s *local.S3) string {
	place := func(bucket string) string {
		return fmt.Sprintf("s3://%s/%s?endpoint=%s&region=%s&path_style=true", bucket, a.name, s.URL, s.Region)
	}
	return fmt.Sprintf("  - name: %s\n    url: %s\n    keys_url: %s\n    kms: local:%s.kms\n    credentials:\n      source: static\n      access_key: %s\n      secret_key: %s\n",
		name, place(dataBucket), place(keysBucket), name, s.AccessKey, s.SecretKey)
}

// run runs a verb on the archive to its end.
func (a *archive) run(t *testing.T, verb string, args ...string) outcome {
	t.Helper()
	return a.w.run(t.Context(), nil, append([]string{verb, "-c", a.config}, args...)...)
}

// must runs a verb that has to exit 0.
func (a *archive) must(t *testing.T, verb string, args ...string) outcome {
	t.Helper()
	o := a.run(t, verb, args...)
	if o.code != exitDone {
		t.Fatalf("tidemark %s %s: exit %d\n%s%s", verb, strings.Join(args, " "), o.code, o.stdout, o.stderr)
	}
	return o
}

// catchUp archives what is in Kafka now.
func (a *archive) catchUp(t *testing.T) {
	t.Helper()
	o := a.must(t, "archive", "--until-caught-up")
	t.Logf("archived until caught up: %d partitions, %d times waiting for those of others",
		bytes.Count(o.stderr, []byte("partition begins")), bytes.Count(o.stderr, []byte("waiting for partitions that another member has")))
}

// member starts an archiver with a local state of its own.
func (a *archive) member(t *testing.T, name string, env ...string) *process {
	t.Helper()
	env = append(env, "TIDEMARK_STATE_DIR="+filepath.Join(a.dir, name))
	return a.w.launch(t, filepath.Join(a.dir, name+".log"), env, "archive", "-c", a.config)
}

// level heals and expects regions of the same names, whole in every byte. Who is killed between the regions leaves an object
// in one of them; where its successor cut the same offsets otherwise, both regions are complete and yet not equal.
func (a *archive) level(t *testing.T) {
	t.Helper()
	a.must(t, "heal")
	a.sameNames(t)
	a.verify(t)
}

// verify expects the archive to be whole, in names and in every byte.
func (a *archive) verify(t *testing.T) {
	t.Helper()
	a.must(t, "verify")
	a.must(t, "verify", "--deep")
}
