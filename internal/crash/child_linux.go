package crash

import (
	"os/exec"
	"syscall"
)

// tie has a process killed when this one dies.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
