package bbolt

import (
	"math"

	"golang.org/x/sys/windows"
)

// diskFree returns how many bytes a directory's file system has left for this process; -1 if that
// is not known.
func diskFree(dir string) int64 {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return -1
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return -1
	}
	return int64(min(free, math.MaxInt64))
}
