package meter

import (
	"os"
	"testing"
	"time"
)

func TestCPUOfAProcessGrows(t *testing.T) {
	before, err := CPU(0)
	if err != nil {
		t.Fatal(err)
	}
	// The loop ends because the clock counts its own CPU time.
	for after := before; after-before < 20*time.Millisecond; {
		if after, err = CPU(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := CPU(0); err != nil || after-before < 20*time.Millisecond {
		t.Errorf("CPU(0) is less than CPU(os.Getpid()): %v, %v", after-before, err)
	}
	if _, err := CPU(1 << 22); err == nil { // PID_MAX_LIMIT: no process has this number
		t.Error("a process that does not exist has a CPU time")
	}
}

func TestRSS(t *testing.T) {
	for status, want := range map[string]uint64{
		"Name:\tx\nVmHWM:\t   9999 kB\nVmRSS:\t   1234 kB\nRssAnon:\t 1 kB\n": 1234 << 10,
		"Name:\tVmRSS:\nVmRSS:\t0 kB\n":                                       0,
	} {
		if got, err := parseRSS(status); err != nil || got != want {
			t.Errorf("%q: %d, %v", status, got, err)
		}
	}
	for _, status := range []string{"", "Name:\tx\n", "VmRSS:\tmuch kB\n"} {
		if got, err := parseRSS(status); err == nil {
			t.Errorf("%q: %d", status, got)
		}
	}
	if got, err := RSS(os.Getpid()); err != nil || got < 1<<20 {
		t.Errorf("this process has %d bytes, %v", got, err)
	}
}
