package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// checkout is the path of the repository on the machine.
const checkout = "/home/edge"

// machine is a minimal Debian in a directory.
type machine struct {
	root string
	env  []string
	keep bool
}

// newMachine creates a machine with Go and a clone of the repository's last commit. The caller
// removes it.
func newMachine(ctx context.Context, o options) (_ *machine, err error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("it makes a root folder of Debian, which only root can: sudo make fresh")
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		return nil, errors.New("debootstrap is missing; install it, for example with: apt-get install debootstrap")
	}
	root, err := os.MkdirTemp("", "fresh-")
	if err != nil {
		return nil, err
	}
	m := &machine{root: root, keep: o.keep}
	defer func() {
		if err != nil {
			m.remove(&err)
		}
	}()
	if err := os.Chmod(root, 0o755); err != nil { // apt downloads as another user
		return nil, err
	}
	h, err := readHost(ctx, o)
	if err != nil {
		return nil, err
	}
	fmt.Printf("== debootstrap, Debian %s in %s\n", o.suite, root)
	args := []string{"--variant=minbase", "--include=make,ca-certificates", "--keyring=" + keyring, o.suite, root}
	if h.mirror != "" {
		args = append(args, h.mirror)
	}
	for _, c := range [][]string{
		append([]string{"debootstrap"}, args...),
		{"cp", "-a", h.goroot, filepath.Join(root, "usr/local/go")},
		{"git", "clone", "--quiet", "--no-local", h.repository, filepath.Join(root, checkout)},
	} {
		if err := logged(ctx, c[0], c[1:]...); err != nil {
			return nil, err
		}
	}
	m.env = h.env
	return m, h.settle(root)
}

// logged runs a command on the host and shows its output only if the command fails.
func logged(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %w\n%s", name, err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	return nil
}

// command returns a command that runs in the checkout on the machine. Its first process is the
// first of a PID namespace, so that no child outlives it. It has its own process group.
func (m *machine) command(ctx context.Context, args ...string) *exec.Cmd {
	const begin = `mount -t proc proc /proc && cd "$1" && shift && "$@"`
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", begin, "sh", checkout}, args...)...)
	cmd.Env, cmd.Dir = m.env, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot: m.root, Setpgid: true, Pdeathsig: syscall.SIGKILL,
		Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS,
	}
	return cmd
}

// do runs a command on the machine and shows its output.
func (m *machine) do(ctx context.Context, args ...string) error {
	cmd := m.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// remove removes the machine. If that fails, it adds the error to err.
func (m *machine) remove(err *error) {
	if m.keep {
		fmt.Println("The machine is kept in", m.root)
		return
	}
	*err = errors.Join(*err, os.RemoveAll(m.root))
}
