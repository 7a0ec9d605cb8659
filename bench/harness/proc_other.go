//go:build !linux

package harness

import "syscall"

// usageOf knows nothing of other processes outside of Linux.
func usageOf(int) (usage, error) { return usage{}, nil }

func peakOf(int) (int64, error) { return 0, nil }

// machineUsage is 0 outside of Linux: nobody is found to disturb.
func machineUsage() (machineTime, error) { return machineTime{}, nil }

// childAttributes puts a child into a group of its own, so that Ctrl-C in a
// terminal reaches it through us only.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
