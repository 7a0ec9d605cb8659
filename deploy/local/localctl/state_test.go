package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestDownLeavesStrangersAlone(t *testing.T) {
	st, err := openState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stranger := exec.Command("sleep", "600")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer stranger.Process.Kill()
	st.Servers = []server{{"a process id that was given away again", stranger.Process.Pid}}
	if got := st.running(); len(got) != 0 {
		t.Errorf("takes %+v for its own", got)
	}
}

func TestRunningFindsItsOwn(t *testing.T) {
	st, err := openState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(st.dir, "log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	own := exec.Command("tail", "-f", log)
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	defer own.Process.Kill()
	st.Servers = []server{{"tail", own.Process.Pid}}
	if got := st.running(); len(got) != 1 {
		t.Errorf("does not find its own process: %+v", got)
	}
}

func TestWipeKeepsWhatItDidNotMake(t *testing.T) {
	dir := t.TempDir()
	st, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	st.SecretKey = "kept until now"
	if err := st.save(); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "thesis.txt")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := st.wipe(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
	if again, err := openState(dir); err != nil || again.SecretKey != "" {
		t.Errorf("state outlives a wipe: %+v, %v", again, err)
	}
}
