//go:build !linux

package e2e

import "syscall"

// dieWithParent can do nothing here: a test that crashes leaves its processes to the user.
func dieWithParent() *syscall.SysProcAttr { return nil }
