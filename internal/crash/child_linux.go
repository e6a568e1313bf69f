package crash

import (
	"os/exec"
	"syscall"
)

// tie kills a process when this one has died.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
