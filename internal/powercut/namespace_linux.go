package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// inside is the environment variable of the process that has a mount namespace of its own.
const inside = "FLOWTRUX_POWERCUT_INSIDE"

// apart runs the trial in a process with a mount namespace of its own. When the last process in it
// ends, the kernel removes the namespace's mounts, and with them their loop devices.
func apart(ctx context.Context, o options) error {
	if os.Getenv(inside) != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("keeping mounts to itself: %w", err)
		}
		return run(ctx, o)
	}
	if err := possible(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWait
	err = cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.Exited() {
		os.Exit(exit.ExitCode()) // it has printed the reason
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("this process may not make a mount namespace (%w): run it on the machine itself, or in a container with --privileged", err)
	}
	return err
}

// possible returns what is missing on this machine, and what to do about it.
func possible() error {
	if os.Geteuid() != 0 {
		return errors.New("only root can make and mount a disk: run it as root, for example with sudo make test-powercut")
	}
	for _, tool := range []string{"mkfs.ext4", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w; on Debian: apt-get install e2fsprogs mount", err)
		}
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		return fmt.Errorf("there are no loop devices (%w): load their module with modprobe loop; a container needs --privileged", err)
	}
	return nil
}
