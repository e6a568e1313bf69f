package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// diskSize leaves more room than the reserve of a journal. The file is sparse: it takes only what
// is written.
const diskSize = 2 << 30

// disk is an ext4 file system in a file.
type disk struct {
	image string
	dir   string // where it is mounted
}

// newDisk creates a disk below dir. It is not mounted.
func newDisk(ctx context.Context, dir string) (*disk, error) {
	d := &disk{image: filepath.Join(dir, "disk.img"), dir: filepath.Join(dir, "disk")}
	if err := errors.Join(os.Mkdir(d.dir, 0o700), os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, diskSize)); err != nil {
		return nil, err
	}
	return d, command(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", d.image)
}

// mount mounts the disk on a loop device, which is freed when it is unmounted.
func (d *disk) mount(ctx context.Context) error {
	return command(ctx, "mount", "-o", "loop", d.image, d.dir)
}

// unmount unmounts the disk. It fails while a process uses it.
func (d *disk) unmount() error {
	if err := unix.Unmount(d.dir, 0); err != nil {
		return fmt.Errorf("unmounting the disk: %w", err)
	}
	return nil
}

// The ioctl that shuts ext4 down, and its flag for not flushing the log (fs/ext4/ext4.h).
const (
	ext4Shutdown = 0x8004587d // _IOR('X', 125, __u32)
	noLogFlush   = 2
)

// cut cuts the power: nothing reaches the device any more.
func (d *disk) cut() error {
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), ext4Shutdown, noLogFlush); err != nil {
		return fmt.Errorf("shutting the disk down: this kernel's ext4 does not let us: %w", err)
	}
	return nil
}

// fill takes all space that is left on the disk, until free is called.
func (d *disk) fill() (free func() error, err error) {
	f, err := os.Create(filepath.Join(d.dir, "full"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for size, at := int64(1<<30), int64(0); size >= 4<<10; {
		switch err := unix.Fallocate(int(f.Fd()), 0, at, size); {
		case errors.Is(err, unix.ENOSPC):
			size /= 2
		case err != nil:
			return nil, errors.Join(fmt.Errorf("filling the disk: %w", err), os.Remove(f.Name()))
		default:
			at += size
		}
	}
	return func() error { return os.Remove(f.Name()) }, nil
}

// command runs a tool. Its error has the tool's output.
func command(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
