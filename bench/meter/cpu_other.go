//go:build !linux

package meter

import (
	"errors"
	"time"
)

var errLinux = errors.New("the bench reads CPU times and memory as Linux counts them: run it on Linux")

// CPU is the CPU time that a process has used.
func CPU(int) (time.Duration, error) { return 0, errLinux }

// RSS is the resident memory of a process in bytes.
func RSS(int) (uint64, error) { return 0, errLinux }
