package harness

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/tidemark-io/tidemark/bench/report"
)

// configuration is the file that a point's processes run with.
type configuration struct {
	file    string
	metrics string // address of the archiver's /metrics
	// folders are the point's own places, where they are directories.
	folders []string
}

// configure writes a configuration into dir: the servers' own, with a group
// and places that nobody else has, the point's topic and its settings.
func configure(dir, name string, servers *Servers, topic string, s report.Settings) (configuration, error) {
	metrics, err := freeAddress()
	if err != nil {
		return configuration{}, err
	}
	c := maps.Clone(servers.Config)
	regions, err := placesBelow(servers.Config["regions"], name, dir)
	if err != nil {
		return configuration{}, err
	}
	c["regions"] = regions
	kafka, _ := c["kafka"].(map[string]any)
	kafka = maps.Clone(kafka)
	kafka["group"] = name
	delete(kafka, "group_instance_id")
	c["kafka"] = kafka
	c["topics"] = []any{map[string]any{"name": topic}}
	c["archive"] = map[string]any{"trust_file": filepath.Join(dir, "trust.json"), "signing_key_file": filepath.Join(dir, "archive.key")}
	c["segment"] = map[string]any{
		"size": strconv.FormatInt(s.SegmentSize, 10), "age": fmt.Sprintf("%gs", s.SegmentAge),
		"compression": s.Compression, "key_filter": s.KeyFilter,
	}
	c["memory"] = strconv.FormatInt(s.Memory, 10)
	c["state_dir"] = filepath.Join(dir, "state")
	c["telemetry"] = map[string]any{"listen": metrics, "log_format": "text", "log_level": "warn"}
	delete(c, "retention") // what is locked could not be removed
	out := configuration{file: filepath.Join(dir, "tidemark.yaml"), metrics: metrics, folders: folders(regions)}
	return out, out.write(c)
}

func (c configuration) write(content map[string]any) error {
	text, err := yaml.Marshal(content)
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.WriteFile(c.file, text, 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// folders are the places among these regions' that are directories.
func folders(regions []any) []string {
	var out []string
	for _, one := range regions {
		r, _ := one.(map[string]any)
		for _, key := range []string{"url", "keys_url"} {
			if u, err := url.Parse(fmt.Sprint(r[key])); err == nil && u.Scheme == "file" {
				out = append(out, u.Path)
			}
		}
	}
	return out
}

// placesBelow gives each region's two places a prefix of the point's own. A
// local KMS gets a key file of the point's own, too.
func placesBelow(regions any, name, dir string) ([]any, error) {
	list, ok := regions.([]any)
	if !ok || len(list) != 2 {
		return nil, fmt.Errorf("configure point: want two regions")
	}
	var out []any
	for _, one := range list {
		r, ok := one.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("configure point: a region is not a mapping")
		}
		r = maps.Clone(r)
		for _, key := range []string{"url", "keys_url"} {
			place, err := below(fmt.Sprint(r[key]), name)
			if err != nil {
				return nil, err
			}
			r[key] = place
		}
		if kms, _ := r["kms"].(string); kms == "" || strings.HasPrefix(kms, "local:") {
			r["kms"] = "local://" + filepath.Join(dir, fmt.Sprintf("kms-%v.key", r["name"]))
		}
		out = append(out, r)
	}
	return out, nil
}

// below adds a step to the address of a place.
func below(place, name string) (string, error) {
	u, err := url.Parse(place)
	if err != nil || u.Opaque != "" {
		return "", fmt.Errorf("configure point: want a place like s3://bucket/prefix or file:///directory")
	}
	u.Path = path.Join("/", u.Path, name)
	return u.String(), nil
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// environment is what the program's processes run with: ours without the
// variables that would change a point's configuration. Secrets stay.
func environment() []string {
	var out []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		ours := strings.HasPrefix(name, "TIDEMARK_")
		if !ours || strings.Contains(name, "_SASL_") || strings.Contains(name, "_CREDENTIALS_") {
			out = append(out, v)
		}
	}
	return out
}
