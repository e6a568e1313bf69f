package crash

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is a process that writes its output to a file, and that dies with this one on Linux.
type Process struct {
	cmd   *exec.Cmd
	log   string        // file
	ended chan struct{} // closed when it has ended
}

// StartProcess starts a command whose output is added to a file.
func StartProcess(cmd *exec.Cmd, log string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	tie(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the command's state says how it ended
	}()
	return p, nil
}

// stopWait is the time limit of a stop; after it the process is killed.
const stopWait = 30 * time.Second

// End sends a signal that ends the process, and waits until it has ended. It may have ended
// already.
func (p *Process) End(how syscall.Signal) {
	_ = p.cmd.Process.Signal(how)
	select {
	case <-p.ended:
	case <-time.After(stopWait):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// State says how the process has ended.
func (p *Process) State() *os.ProcessState { return p.cmd.ProcessState }

// WithLog adds the end of the process's output to err.
func (p *Process) WithLog(err error) error {
	log, _ := os.ReadFile(p.log) // there is none before the start
	return fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
}
