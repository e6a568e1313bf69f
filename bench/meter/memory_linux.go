package meter

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ReadMemory reads the memory of a process.
func ReadMemory(pid int) (Memory, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	return parseMemory(string(b))
}

// parseMemory reads lines of /proc/<pid>/status (proc_pid_status(5)). A process that has exited has
// none of them.
func parseMemory(status string) (m Memory, err error) {
	lines := map[string]*uint64{"VmRSS": &m.Resident, "RssAnon": &m.Anonymous, "RssFile": &m.File, "VmHWM": &m.Peak}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		into := lines[name]
		if into == nil {
			continue
		}
		kb, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 54)
		if err != nil {
			return m, fmt.Errorf("reading %s: %w", name, err)
		}
		*into = kb << 10
		delete(lines, name)
	}
	if len(lines) > 0 {
		return m, fmt.Errorf("no resident memory in %q", status)
	}
	return m, nil
}
