package harness

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/tidemark-io/tidemark/sinks/objects"
)

const (
	// scrapeEvery is how often the archiver's /metrics are read. What it asked
	// of the stores after the last look is missing.
	scrapeEvery = time.Second
	// scrapeLimit bounds one look.
	scrapeLimit = 2 * time.Second
)

// calls are the counters of the archiver's calls of its stores.
var calls = regexp.MustCompile(`^tidemark_store_call_seconds_count\{.*op="([a-z]+)".*\} ([0-9.e+]+)$`)

// requestOf is S3's name for an operation of a store.
var requestOf = map[string]string{
	"put": "PUT", "get": "GET", "readat": "GET", "stat": "HEAD", "list": "LIST", "versions": "LIST", "delete": "DELETE",
}

// requests are what an archiver says that it asked of its stores.
type requests struct {
	mu   sync.Mutex
	last map[string]int64
}

// watchRequests reads the archiver's metrics until stop is called, which may
// be called again.
func (j *job) watchRequests(a *archive) (asked *requests, stop func()) {
	asked = &requests{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(scrapeEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				asked.look(ctx, "http://"+a.metrics+"/metrics")
			}
		}
	}()
	return asked, func() { cancel(); <-ended }
}

// look reads the counters once. An archiver that does not answer, as at its
// start and end, leaves what was there.
func (r *requests) look(ctx context.Context, url string) {
	ctx, cancel := context.WithTimeout(ctx, scrapeLimit)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	q.Header.Set("Accept-Encoding", "identity") // compressing would be the archiver's work
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	if counts := parseRequests(answer.Body); len(counts) > 0 {
		r.mu.Lock()
		r.last = counts
		r.mu.Unlock()
	}
}

func parseRequests(text io.Reader) map[string]int64 {
	counts := map[string]int64{}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		m := calls.FindStringSubmatch(lines.Text())
		if m == nil || requestOf[m[1]] == "" {
			continue
		}
		if n, err := strconv.ParseFloat(m[2], 64); err == nil {
			counts[requestOf[m[1]]] += int64(n)
		}
	}
	return counts
}

// total is what was asked by the last look.
func (r *requests) total() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// checkPuts holds the archiver's count of PUTs against the stores' listings,
// keys included: every object there was put. A count that is short, because
// the archiver ended after the last look, is replaced by the listings'.
func (j *job) checkPuts(ctx context.Context, opened *Archive) error {
	if j.point.Requests == nil {
		return nil
	}
	var listed int64
	for _, r := range opened.Regions {
		for _, store := range []objects.Store{r.Data, r.Keys} {
			for _, err := range store.List(ctx, "", "") {
				if err != nil {
					return fmt.Errorf("count region %s: %w", r.Name, err)
				}
				listed++
			}
		}
	}
	j.point.Requests["PUT"] = max(j.point.Requests["PUT"], listed)
	return nil
}
