//go:build !linux

package local

import "syscall"

// attributes puts a child into a process group of its own. Only Linux can tie
// its life to ours: elsewhere a child outlives a parent that is killed.
func attributes(detached bool) *syscall.SysProcAttr {
	if detached {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true}
}
