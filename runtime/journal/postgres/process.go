package postgres

import (
	"fmt"
	"os"
	"strings"
)

// A process is identified by the boot of its kernel, its PID namespace, its number and when it
// started: "<boot> <namespace> <pid> <start>". On systems without /proc it is "", and a machine
// that was killed is taken for dead when its lease has lapsed.
//
// Numbers of processes mean something in one namespace only: two containers of a host may both be
// number 1.

// thisProcess identifies this process.
func thisProcess() string {
	kernel, ok := thisKernel()
	start, started := startOf(os.Getpid())
	if !ok || !started {
		return ""
	}
	return fmt.Sprintf("%s %d %s", kernel, os.Getpid(), start)
}

// isGone reports whether it is certain that a process does not exist any more.
func isGone(process string) bool {
	at := strings.LastIndexByte(process, ' ')
	if at < 0 {
		return false
	}
	rest, start := process[:at], process[at+1:]
	var pid int
	if at = strings.LastIndexByte(rest, ' '); at < 0 {
		return false
	}
	if _, err := fmt.Sscan(rest[at+1:], &pid); err != nil {
		return false
	}
	if kernel, ok := thisKernel(); !ok || kernel != rest[:at] {
		return false
	}
	now, exists := startOf(pid)
	return !exists || now != start
}

// thisKernel identifies the boot and the PID namespace.
func thisKernel() (string, bool) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	return strings.TrimSpace(string(boot)) + " " + namespace, err == nil
}

// startOf returns when a process started, in ticks since the boot; false if it does not exist or
// is a zombie.
func startOf(pid int) (string, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The name, in parentheses, may contain anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const state, start = 0, 19
	if len(fields) <= start || fields[state] == "Z" || fields[state] == "X" {
		return "", false
	}
	return fields[start], true
}
