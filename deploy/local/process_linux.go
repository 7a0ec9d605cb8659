package local

import "syscall"

// attributes puts a child into a process group of its own, so that Ctrl-C in a
// terminal does not reach it, and ties its life to ours unless it is detached.
func attributes(detached bool) *syscall.SysProcAttr {
	if detached {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
