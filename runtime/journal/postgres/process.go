package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
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
	start, err := startOf(os.Getpid())
	if !ok || err != nil {
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
	now, err := startOf(pid)
	if err != nil {
		// Anything else may be a lack of rights or of file descriptors.
		return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
	}
	return now != start
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

// startOf returns when a process started, in ticks since the boot; fs.ErrNotExist if it does not
// exist or is a zombie.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The name, in parentheses, may contain anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const state, start = 0, 19
	if len(fields) <= start || fields[state] == "Z" || fields[state] == "X" {
		return "", fs.ErrNotExist
	}
	return fields[start], nil
}
