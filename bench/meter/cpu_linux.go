package meter

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// clockSched is CPUCLOCK_SCHED of the kernel (include/linux/posix-timers_types.h): the clock that
// counts the time given by the scheduler in nanoseconds.
const clockSched = 2

// CPU returns the CPU time used by all threads of a process, including those that have exited; 0 is
// this process. It reads the clock of clock_getcpuclockid(3), which counts nanoseconds where
// /proc/<pid>/stat counts hundredths of a second.
func CPU(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|clockSched, &t); err != nil {
		return 0, fmt.Errorf("reading the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}
