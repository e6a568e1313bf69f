//go:build unix && !linux

package pgtest

import "syscall"

// tie does nothing: only Linux can do this.
func tie(*syscall.SysProcAttr) {}
