//go:build !linux

package crash

import "os/exec"

// tie does what only Linux can.
func tie(*exec.Cmd) {}
