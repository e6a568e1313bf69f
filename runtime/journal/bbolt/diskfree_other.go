//go:build !linux && !darwin && !freebsd && !windows

package bbolt

// diskFree is not known on this system.
func diskFree(string) int64 { return -1 }
