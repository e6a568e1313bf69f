package bbolt

import (
	"math"

	"golang.org/x/sys/windows"
)

// diskFree tells how many bytes a directory's file system has left for us; -1 when that is not
// known.
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
