//go:build linux || darwin || freebsd

package bbolt

import "golang.org/x/sys/unix"

// diskFree returns how many bytes a directory's file system has left for this process; -1 if that
// is not known.
func diskFree(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize) //nolint:unconvert // the types differ between systems
}
