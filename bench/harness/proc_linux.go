package harness

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of times in /proc, 1/100 s on every architecture that Go
// runs on (USER_HZ).
const tick = 10 * time.Millisecond

// usageOf reads proc(5).
func usageOf(pid int) (usage, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	u, err := parseStat(text)
	if err != nil {
		return usage{}, err
	}
	u.peak, err = peakOf(pid)
	return u, err
}

// parseStat reads the times of /proc/PID/stat. The name in parentheses may
// hold spaces and parentheses itself; after its end come state (3), …, utime
// (14), stime (15), cutime (16), cstime (17).
func parseStat(text []byte) (usage, error) {
	_, rest, ok := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" "))
	f := strings.Fields(string(rest))
	if !ok || len(f) < 15 {
		return usage{}, errors.New("read /proc/PID/stat: too short")
	}
	var ticks [4]int64
	for i := range ticks {
		n, err := strconv.ParseInt(f[11+i], 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("read /proc/PID/stat: %w", err)
		}
		ticks[i] = n
	}
	return usage{user: time.Duration(ticks[0]+ticks[2]) * tick, system: time.Duration(ticks[1]+ticks[3]) * tick}, nil
}

// peakOf reads VmHWM of /proc/PID/status, in bytes. A process that is ending
// has none.
func peakOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, nil
}

// machineUsage reads the first line of /proc/stat: user, nice, system, idle,
// iowait, irq, softirq, steal, … of all processors together. Interrupts and
// what a hypervisor took away are no process's and are left out.
func machineUsage() (machineTime, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machineTime{}, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	f := strings.Fields(line)
	if len(f) < 8 || f[0] != "cpu" {
		return machineTime{}, errors.New("read /proc/stat: no line for all processors")
	}
	var busy int64
	for _, text := range f[1:4] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return machineTime{}, fmt.Errorf("read /proc/stat: %w", err)
		}
		busy += n
	}
	return machineTime{time.Duration(busy) * tick}, nil
}

// childAttributes puts a child into a group of its own, so that Ctrl-C in a
// terminal reaches it through us only, and ends it when we die.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
