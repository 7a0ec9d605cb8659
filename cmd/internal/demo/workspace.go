package demo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/tidemark-io/tidemark/bench/events"
)

// workspace is the directory of a demo.
type workspace struct {
	dir    string
	config string
}

// regionNames are the two regions, each a directory with its segments, one with
// its keys and the key of its KMS.
var regionNames = [...]string{"north", "south"}

// newWorkspace makes the directory. One with something in it is refused: an
// archive of an earlier demo has other keys.
func newWorkspace(dir string) (*workspace, error) {
	var err error
	if dir == "" {
		dir, err = os.MkdirTemp("", "tidemark-demo-")
	} else {
		err = makeEmpty(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("make demo directory: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("make demo directory: %w", err)
	}
	return &workspace{dir: dir, config: filepath.Join(dir, "tidemark.yaml")}, nil
}

func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Readdirnames(1); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return err
	}
	return fmt.Errorf("%s is not empty: %w", dir, fs.ErrExist)
}

func (w *workspace) path(name string) string { return filepath.Join(w.dir, name) }

// segments is where a region keeps its segments.
func (w *workspace) segments(region string) string { return w.path(region) }

// The segments are small and young, so that a million events in a few seconds
// make many of them: the archiver has something to lose when it is killed. The
// static membership lets the restarted one take over at once. What all
// partitions may answer together stays below fetch.max_bytes: where a response
// is full, kfake leaves the list of aborted transactions out, which no Kafka
// broker does.
var configTemplate = template.Must(template.New("tidemark.yaml").Parse(`# Written by tidemark demo.
archive:
  trust_file: trust.json
  signing_key_file: archive.key

regions:
{{- range .Regions}}
  - name: {{.Name}}
    url: {{.URL}}
    keys_url: {{.KeysURL}}
    kms: {{.KMS}}
{{- end}}

kafka:
  brokers: [{{.Broker}}]
  group: tidemark-demo
  group_instance_id: demo-0
  session_timeout: 6s

topics:
{{- range .Topics}}
  - name: {{.}}
{{- end}}

segment:
  size: 4MiB
  age: 1s

fetch:
  max_wait: 100ms
  max_partition_bytes: 1MiB

telemetry:
  listen: ""
`))

type configRegion struct{ Name, URL, KeysURL, KMS string }

func (w *workspace) writeConfig(broker string) error {
	values := struct {
		Regions []configRegion
		Broker  string
		Topics  []string
	}{Broker: broker, Topics: events.Topics()}
	for _, r := range regionNames {
		values.Regions = append(values.Regions, configRegion{
			Name:    r,
			URL:     "file://" + w.segments(r),
			KeysURL: "file://" + w.path(r+"-keys"),
			KMS:     "local://" + w.path(r+"-kms.key"),
		})
	}
	var text strings.Builder
	if err := configTemplate.Execute(&text, values); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.Mkdir(w.path("logs"), 0o750); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.WriteFile(w.config, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
