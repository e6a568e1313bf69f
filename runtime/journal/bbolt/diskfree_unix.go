//go:build linux || darwin || freebsd

package bbolt

import "golang.org/x/sys/unix"

// diskFree tells how many bytes a directory's file system has left for us; -1 when that is not
// known.
func diskFree(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize) //nolint:unconvert // the types differ between systems
}
