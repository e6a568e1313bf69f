package pgtest

import "syscall"

// tie has a process end when this one dies.
func tie(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGINT }
