package meter

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc: USER_HZ is 100 on all architectures that Go runs on.
const tick = 10 * time.Millisecond

// FamilyCPU returns the user and system time of a process and its children, including those that
// have ended and were waited for. Servers that fork, such as PostgreSQL, have most of it there. It
// is precise to a tick for each process.
func FamilyCPU(pid int) (time.Duration, error) {
	own, err := readTimes(pid)
	if err != nil {
		return 0, err
	}
	total := own.self + own.ended
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range dirs {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		// One that has ended meanwhile counts as ended the next time.
		if t, err := readTimes(child); err == nil && t.parent == pid {
			total += t.self + t.ended
		}
	}
	return total, nil
}

type times struct {
	parent      int
	self, ended time.Duration // of the process, and of its children that have ended
}

func readTimes(pid int) (times, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return times{}, err
	}
	return parseTimes(string(b))
}

// parseTimes parses /proc/<pid>/stat. The name, in parentheses, may contain anything.
func parseTimes(stat string) (t times, err error) {
	const parent, user, fields = 1, 11, 15
	rest := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(rest) < fields {
		return t, fmt.Errorf("an unknown format: %q", stat)
	}
	var n [4]int64
	for i := range n {
		if n[i], err = strconv.ParseInt(rest[user+i], 10, 64); err != nil {
			return t, err
		}
	}
	t.parent, err = strconv.Atoi(rest[parent])
	t.self, t.ended = time.Duration(n[0]+n[1])*tick, time.Duration(n[2]+n[3])*tick
	return t, err
}
