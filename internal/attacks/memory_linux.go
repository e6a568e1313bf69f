package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// taken returns the memory that a process uses, in MiB. It counts anonymous pages and the blocks of
// the process's memfds, which no RSS includes.
func taken(pid int) int {
	bytes := 0
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	if _, rest, ok := strings.Cut(string(status), "RssAnon:"); ok {
		kib, _ := strconv.Atoi(strings.Fields(rest)[0])
		bytes = kib << 10
	}
	seen := make(map[uint64]bool)
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid)) // the pattern is valid
	for _, fd := range files {
		var st syscall.Stat_t
		if to, err := os.Readlink(fd); err != nil || !strings.HasPrefix(to, "/memfd:") {
			continue
		}
		if syscall.Stat(fd, &st) == nil && !seen[st.Ino] {
			seen[st.Ino] = true
			bytes += int(st.Blocks) * 512
		}
	}
	return bytes / mib
}

// maxRSS returns the largest resident set of a process that has ended, in MiB.
func maxRSS(p *os.ProcessState) float64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return float64(usage.Maxrss) / 1024
}
