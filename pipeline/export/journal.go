package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/tidemark-io/tidemark/pipeline/durable"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// journalVersion changes when a journal of an older program must not be resumed
// by this one.
const journalVersion = 1

// heading is the first line of a journal.
type heading struct {
	Version int           `json:"version"`
	Format  Format        `json:"format"`
	Plan    *restore.Plan `json:"plan"`
}

// note is any other line: a file that is finished, or a partition of which no
// more files come.
type note struct {
	Into   string `json:"into"`
	Number int32  `json:"number"`
	File   *File  `json:"file,omitempty"`
	Done   bool   `json:"done,omitempty"`
}

func (n note) place() place { return place{n.Into, n.Number} }

// journal is unfinished.jsonl.
type journal struct {
	mu   sync.Mutex
	file *os.File
}

// beginJournal puts a journal in place as a whole, and opens it for more notes.
func beginJournal(name string, h heading, notes []note) (*journal, error) {
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	err := lines.Encode(h)
	for _, n := range notes {
		err = errors.Join(err, lines.Encode(n))
	}
	if err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	if err := durable.Replace(name, b.Bytes()); err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	return &journal{file: file}, nil
}

// add returns when the note would survive a power cut.
func (j *journal) add(n note) error {
	line, err := json.Marshal(n)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return err
	}
	return j.file.Sync()
}

func (j *journal) close() error { return j.file.Close() }

// readJournal leaves out a last line that a crash cut short.
func readJournal(name string) (heading, []note, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return heading{}, nil, err
	}
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	lines := json.NewDecoder(bytes.NewReader(b))
	var h heading
	if err := lines.Decode(&h); err != nil || h.Plan == nil {
		return heading{}, nil, fmt.Errorf("read %s: it does not begin with a plan: remove the directory, or name another: %w", name, err)
	}
	if h.Version != journalVersion {
		return heading{}, nil, fmt.Errorf("read %s: version %d, this program resumes version %d: remove the directory, or name another", name, h.Version, journalVersion)
	}
	if err := h.Plan.Check(); err != nil {
		return heading{}, nil, fmt.Errorf("read %s: %w: remove the directory, or name another", name, err)
	}
	var notes []note
	for lines.More() {
		var n note
		if err := lines.Decode(&n); err != nil {
			return heading{}, nil, fmt.Errorf("read %s: note %d: %w: remove the directory, or name another", name, len(notes)+1, err)
		}
		notes = append(notes, n)
	}
	return h, notes, nil
}
