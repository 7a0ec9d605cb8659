package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/bench/load"
)

// partitioner is how the load chose the partitions of the keys to find.
const partitioner = "murmur2"

// find asks for keys that were strewn thinly over the topic.
func (r *Runner) find(ctx context.Context, j *job, t *topic, a *archive) error {
	needles := t.ledger.Needles
	needles = needles[:min(len(needles), j.spec.Keys)]
	if len(needles) == 0 {
		return errors.New("find: the topic has no keys that are known")
	}
	j.point.Events = int64(len(needles))
	if j.spec.Warm {
		return r.findWarm(ctx, j, t, a, needles)
	}
	return r.findEmpty(ctx, j, t, a, needles)
}

// findEmpty asks for each key in a process of its own with an empty index. An
// answer takes from the process's start to its end.
func (r *Runner) findEmpty(ctx context.Context, j *job, t *topic, a *archive, needles []load.Needle) error {
	account, err := openAccount(j.servers.Processes)
	if err != nil {
		return err
	}
	own, began := ownUsage(), time.Now()
	var took []float64
	var spent usage
	for i, n := range needles {
		c, err := r.findOne(ctx, j, t, a, n, filepath.Join(j.dir, fmt.Sprintf("state-%d", i)))
		if err != nil {
			return err
		}
		u := c.usage()
		took = append(took, c.at.Sub(c.started).Seconds())
		spent = usage{spent.user + u.user, spent.system + u.system, max(spent.peak, u.peak)}
	}
	servers, err := account.close()
	if err != nil {
		return err
	}
	j.point.Seconds, j.point.Latency = time.Since(began).Seconds(), spreadOf(took)
	j.point.Processes = append(add(nil, programName, spent), servers.processes...)
	r.checkOthers(j, servers, ownUsage()-own)
	return nil
}

// findOne looks for a key and compares the number of its versions with what
// was produced.
func (r *Runner) findOne(ctx context.Context, j *job, t *topic, a *archive, n load.Needle, state string) (*child, error) {
	var out bytes.Buffer
	c, err := start(ctx, r.opts.Program, j.dir, "find", nil, &out, append(environment(), "TIDEMARK_STATE_DIR="+state),
		"find", "-c", a.file, "--topic", t.name, "--key", n.Key, "--partitioner", partitioner)
	if err != nil {
		return nil, err
	}
	if err := c.wait(); err != nil {
		j.verdict.breaks("%v", err)
	}
	found, err := parseFound(&out)
	if err != nil {
		return nil, err
	}
	j.checkFound(n, found.versions[n.Key])
	return c, ctx.Err()
}

// findWarm asks for all keys, one after the other, in one process that has the
// index the archiver kept. The first pass is not measured. How long an answer
// took only the process itself can say; the sum of its answers is held against
// the time that it took as seen from outside.
func (r *Runner) findWarm(ctx context.Context, j *job, t *topic, a *archive, needles []load.Needle) error {
	var keys strings.Builder
	for _, n := range needles {
		fmt.Fprintln(&keys, n.Key)
	}
	file := filepath.Join(j.dir, "keys")
	if err := os.WriteFile(file, []byte(keys.String()), 0o600); err != nil {
		return fmt.Errorf("find: %w", err)
	}
	args := []string{"find", "-c", a.file, "--topic", t.name, "--keys-file", file, "--partitioner", partitioner, "--timing"}
	first, err := r.start(ctx, j, "find-first", nil, nil, args...)
	if err != nil {
		return err
	}
	if err := first.wait(); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := r.run(ctx, j, programName, nil, &out, args...); err != nil {
		return err
	}
	found, err := parseFound(&out)
	if err != nil {
		return err
	}
	for _, n := range needles {
		j.checkFound(n, found.versions[n.Key])
	}
	j.point.Latency = spreadOf(found.took)
	j.checkAnswers(found.took)
	return nil
}

// startShare is how much of the time of a process that answers many keys may
// lie outside of its answers, beside startTime.
const (
	startShare = 0.2
	startTime  = 2 // seconds
)

// checkAnswers breaks the point for answers that do not add up to the time of
// their process.
func (j *job) checkAnswers(took []float64) {
	var sum float64
	for _, t := range took {
		sum += t
	}
	if int64(len(took)) != j.point.Events {
		j.verdict.breaks("%d keys were asked for and %d answered", j.point.Events, len(took))
	}
	if outside := j.point.Seconds - sum; outside > startTime+startShare*j.point.Seconds {
		j.verdict.breaks("the answers took %.2f s by the program's own word, and it ran for %.2f s", sum, j.point.Seconds)
	}
}

func (j *job) checkFound(n load.Needle, got int) {
	if got != n.Events {
		j.verdict.breaks("key %s was produced %d times and found %d times", n.Key, n.Events, got)
	}
}

// found is what find printed: how many versions of each key, and how long each
// key took, in seconds.
type found struct {
	versions map[string]int
	took     []float64
}

func parseFound(out *bytes.Buffer) (found, error) {
	f := found{versions: map[string]int{}}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line struct {
			Key      string `json:"key"`
			Searched *struct {
				ElapsedMS float64 `json:"elapsed_ms"`
			} `json:"searched"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return f, fmt.Errorf("read what find said: %w", err)
		}
		if line.Searched != nil {
			f.took = append(f.took, line.Searched.ElapsedMS/1000)
			continue
		}
		f.versions[line.Key]++
	}
	return f, lines.Err()
}
