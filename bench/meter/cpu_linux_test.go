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
