package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tidemark-io/tidemark/deploy/local"
)

const (
	defaultDir = ".local"

	stopGrace = 30 * time.Second
	stopPoll  = 50 * time.Millisecond
)

// state is what up tells down, in state.json of the directory.
type state struct {
	dir string

	Servers   []server `json:"servers"`
	Bootstrap string   `json:"bootstrap"`
	Regions   []string `json:"regions"`
	SecretKey string   `json:"secret_key"` // kept over down and up, as the data is
}

type server struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
}

// openState reads the state of dir, or begins one. The directory ignores itself
// in git, wherever it is.
func openState(dir string) (*state, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	st := &state{dir: dir}
	text, err := os.ReadFile(st.file())
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		return st, os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o644)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, st); err != nil {
		return nil, fmt.Errorf("read %s: %w", st.file(), err)
	}
	return st, nil
}

func (st *state) file() string { return filepath.Join(st.dir, "state.json") }

func (st *state) add(name string, p *local.Process) {
	st.Servers = append(st.Servers, server{name, p.PID()})
}

func (st *state) save() error {
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(st.file(), append(text, '\n'), 0o600)
}

// running are the servers that still run. A process counts only when our
// directory is in its command line: after a reboot the id may be a stranger's.
func (st *state) running() []server {
	var alive []server
	for _, s := range st.Servers {
		out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(s.PID)).Output()
		if err == nil && strings.Contains(string(out), st.dir+string(filepath.Separator)) {
			alive = append(alive, s)
		}
	}
	return alive
}

// stop ends all servers with SIGTERM, and with SIGKILL those that take too long.
func (st *state) stop(ctx context.Context) error {
	st.signal(syscall.SIGTERM)
	deadline := time.After(stopGrace)
	tick := time.NewTicker(stopPoll)
	defer tick.Stop()
	for len(st.running()) > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			st.signal(syscall.SIGKILL)
			return fmt.Errorf("servers were still running after %s and were killed", stopGrace)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// signal sends s to the process groups of all running servers; one that ends
// in between is what the caller wants.
func (st *state) signal(s syscall.Signal) {
	for _, one := range st.running() {
		_ = syscall.Kill(-one.PID, s)
	}
}

func down(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("down", flag.ContinueOnError)
	dir := flags.String("dir", defaultDir, "the -dir of up")
	wipe := flags.Bool("wipe", false, "remove all data, logs and state")
	if err := flags.Parse(args); err != nil {
		return err
	}
	st, err := openState(*dir)
	if err != nil {
		return err
	}
	for _, s := range st.running() {
		fmt.Println("stopping", s.Name)
	}
	if err := st.stop(ctx); err != nil {
		return err
	}
	if *wipe {
		return st.wipe()
	}
	return nil
}

// wipe removes what up made, by name: -dir may hold a person's files too.
func (st *state) wipe() error {
	made, err := filepath.Glob(filepath.Join(st.dir, "region-?"))
	if err != nil {
		return err
	}
	for _, name := range []string{"kafka", "env", ".gitignore", "state.json"} {
		made = append(made, filepath.Join(st.dir, name))
	}
	for _, path := range made {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	if err := os.Remove(st.dir); err != nil && !errors.Is(err, syscall.ENOTEMPTY) {
		return err
	}
	return nil
}

func status(args []string) error {
	flags := flag.NewFlagSet("status", flag.ContinueOnError)
	dir := flags.String("dir", defaultDir, "the -dir of up")
	if err := flags.Parse(args); err != nil {
		return err
	}
	st, err := openState(*dir)
	if err != nil {
		return err
	}
	alive := st.running()
	for _, s := range alive {
		fmt.Printf("%s\tpid %d\n", s.Name, s.PID)
	}
	if len(alive) == 0 {
		fmt.Println("nothing runs; `up` starts it")
		return nil
	}
	return st.print()
}
