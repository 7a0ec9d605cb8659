package harness

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/tidemark-io/tidemark/bench/report"
)

// cores is how many processors the operating system gives us.
func cores() int { return runtime.NumCPU() }

// ownUsage is the CPU time that this process took.
func ownUsage() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Machine says what this is. What cannot be found out is empty.
func Machine() report.Machine {
	m := report.Machine{
		CPU: field("/proc/cpuinfo", "model name"), Cores: cores(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		SHA: cpu.ARM64.HasSHA2 || hasFlag("sha_ni"),
	}
	if kib, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.Memory = kib << 10
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.LoadAvg = strings.Join(strings.Fields(string(text))[:3], " ")
	}
	return m
}

func hasFlag(name string) bool {
	return strings.Contains(" "+field("/proc/cpuinfo", "flags")+" ", " "+name+" ")
}

// field is the value of the first line of a file in /proc that begins with
// this name.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Commit is the revision that this program was built from, as the go command
// noted it, with "+" if files were changed.
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var revision, changed string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				changed = "+"
			}
		}
	}
	return revision + changed
}
