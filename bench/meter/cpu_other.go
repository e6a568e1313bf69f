//go:build !linux

package meter

import (
	"errors"
	"time"
)

var errLinux = errors.New("the bench needs Linux to read CPU time and memory")

// CPU returns an error: it is available on Linux only.
func CPU(int) (time.Duration, error) { return 0, errLinux }

// FamilyCPU returns an error: it is available on Linux only.
func FamilyCPU(int) (time.Duration, error) { return 0, errLinux }

// ReadMemory returns an error: it is available on Linux only.
func ReadMemory(int) (Memory, error) { return Memory{}, errLinux }
