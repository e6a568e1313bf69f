package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// consoleWait bounds the start of the console's command, and its end.
const consoleWait = 20 * time.Second

// console is a running `caddy flowtrux console`.
type console struct {
	cmd  *exec.Cmd
	url  string
	done chan struct{} // closed when the process has ended
}

// startConsole starts the console of a server, and returns when it can be opened.
func startConsole(ctx context.Context, s *server) (*console, error) {
	c := &console{
		cmd:  exec.Command(s.cmd.Path, "flowtrux", "console", "--json", "--no-browser", "--address", s.admin),
		done: make(chan struct{}),
	}
	c.cmd.Stderr = s.log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the console: %w", err)
	}
	said := make(chan error, 1)
	var address struct {
		URL string `json:"url"`
	}
	go func() {
		defer close(c.done)
		err := json.NewDecoder(out).Decode(&address)
		if err != nil {
			err = fmt.Errorf("the console does not say where it is: %w; see %s", err, s.logFile)
		}
		said <- err
		_ = c.cmd.Wait() // it says nothing more, so the pipe can be closed
	}()
	select {
	case err = <-said:
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(consoleWait):
		err = fmt.Errorf("the console does not start within %s", consoleWait)
	}
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	c.url = address.URL
	return c, nil
}

// stop ends the console and waits for it. Ctrl-C also reaches it directly.
func (c *console) stop() error {
	select {
	case <-c.done:
		return nil
	default:
	}
	err := c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
		return nil
	case <-time.After(consoleWait):
		err = errors.Join(fmt.Errorf("the console did not stop within %s and is killed", consoleWait), err, c.cmd.Process.Kill())
		<-c.done
		return err
	}
}
