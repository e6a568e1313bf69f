//go:build !linux && !darwin && !freebsd && !windows

package bbolt

// diskFree is not known here.
func diskFree(string) int64 { return -1 }
