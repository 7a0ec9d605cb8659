package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxFile bounds a result file, in bytes. A point takes some 2 KiB, so this is
// far above any sweep and keeps a wrong path from filling memory.
const maxFile = 16 << 20

// A VersionError is a result file of a version that this program does not
// read.
type VersionError struct{ Version int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("result file of version %d, and this program reads version %d", e.Version, Version)
}

// Read reads one result, strictly: an unknown field, an unknown version and
// anything behind the result are errors, and so is what [Result.Validate]
// refuses.
func Read(r io.Reader) (Result, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Result{}, fmt.Errorf("read result: %w", err)
	}
	if len(data) > maxFile {
		return Result{}, fmt.Errorf("read result: more than %d bytes", maxFile)
	}
	out, err := decode(data)
	if err != nil {
		return Result{}, fmt.Errorf("read result: %w", err)
	}
	return out, nil
}

// decode looks at the version first: a file of another version would fail at
// a field that has nothing to do with it.
func decode(data []byte) (Result, error) {
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return Result{}, err
	}
	if version.Version != Version {
		return Result{}, &VersionError{version.Version}
	}
	var out Result
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		return Result{}, err
	}
	return out, out.Validate()
}

// ReadFile reads the result in a file.
func ReadFile(name string) (Result, error) {
	f, err := os.Open(name)
	if err != nil {
		return Result{}, fmt.Errorf("read result: %w", err)
	}
	defer f.Close()
	out, err := Read(f)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// Write writes a result as Read wants it. A result that Read would refuse is
// not written.
func Write(w io.Writer, r Result) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// resultName is what a result may be called: its name is part of a file's.
var resultName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`)

// Validate returns an error for a result that cannot be: another version, a
// name that is no file name, two points of one name, figures below zero, and
// above all a point that calls itself valid although its own check found loss,
// duplicates or changes.
func (r Result) Validate() error {
	if r.Version != Version {
		return &VersionError{r.Version}
	}
	if !resultName.MatchString(r.Name) {
		return fmt.Errorf("name %q: letters, digits, dots, dashes, at most 64", r.Name)
	}
	seen := map[string]bool{}
	for i, p := range r.Points {
		if p.Name == "" {
			return fmt.Errorf("point %d has no name", i+1)
		}
		if seen[p.Name] {
			return fmt.Errorf("two points are called %s; repetitions are called %s#2, %s#3", p.Name, p.Name, p.Name)
		}
		seen[p.Name] = true
		if err := p.validate(); err != nil {
			return fmt.Errorf("point %s: %w", p.Name, err)
		}
	}
	return nil
}

func (p Point) validate() error {
	switch {
	case p.Kind == "":
		return errors.New("no kind")
	case p.Verdict == "":
		return errors.New("no verdict")
	case p.Seconds < 0 || p.Events < 0 || p.Bytes < 0 || p.Wire < 0:
		return errors.New("a figure is below zero")
	case p.Verdict == Valid && (p.Seconds == 0 || p.Events == 0):
		return errors.New("called valid, and nothing was measured")
	case p.Verdict == Valid && !p.Check.clean():
		return fmt.Errorf("called valid, and of %d events %d are lost, %d twice, %d changed",
			p.Check.Expected, p.Check.Lost, p.Check.Twice, p.Check.Changed)
	}
	if w := p.Workload; w.EventBytes < 0 || w.Partitions < 0 || w.Events < 0 || w.Rate < 0 {
		return errors.New("a figure of the workload is below zero")
	}
	for _, q := range p.Processes {
		if q.Name == "" || q.User < 0 || q.System < 0 || q.PeakRSS < 0 {
			return fmt.Errorf("process %q: no name, or a figure is below zero", q.Name)
		}
	}
	return nil
}

// clean reports that a check found nothing wrong; no check finds nothing.
func (c *Check) clean() bool {
	return c == nil || c.Lost == 0 && c.Twice == 0 && c.Changed == 0
}

// Save writes <date>-<name>.json, .md and .html into a directory, which it
// makes if need be, and returns the path of the first. The date is the day the
// run began, in UTC; a second run of that day gets -2 behind its name, and no
// file is ever written over.
func Save(dir string, r Result) (string, error) {
	var data, md, page bytes.Buffer
	if err := errors.Join(Write(&data, r), Markdown(&md, r), HTML(&page, r)); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("save result: %w", err)
	}
	stem, err := create(filepath.Join(dir, r.Started.UTC().Format("2006-01-02")+"-"+r.Name), data.Bytes())
	if err != nil {
		return "", fmt.Errorf("save result: %w", err)
	}
	for ext, b := range map[string][]byte{".md": md.Bytes(), ".html": page.Bytes()} {
		if err := os.WriteFile(stem+ext, b, 0o644); err != nil {
			return "", fmt.Errorf("save result: %w", err)
		}
	}
	return stem + ".json", nil
}

// create writes the first of stem.json, stem-2.json and so on that is not
// there yet, and returns its name without .json.
func create(stem string, data []byte) (string, error) {
	for n := 1; ; n++ {
		name := stem
		if n > 1 {
			name = fmt.Sprintf("%s-%d", stem, n)
		}
		f, err := os.OpenFile(name+".json", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(data)
		return name, errors.Join(err, f.Close())
	}
}

// Base is a point's name without the number of its repetition: "a" of "a#2".
func Base(name string) string {
	if i := strings.LastIndexByte(name, '#'); i > 0 {
		return name[:i]
	}
	return name
}
