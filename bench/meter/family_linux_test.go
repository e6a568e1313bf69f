package meter

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParseTimes(t *testing.T) {
	got, err := parseTimes("7 (a) b) S 3 7 7 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 99")
	want := times{parent: 3, self: 1200 * time.Millisecond, ended: 70 * time.Millisecond}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "7 (a) S 3", "7 (a) S x 7 7 0 -1 4194560 1 2 3 4 100 20 3 4", "7 (a) S 3 7 7 0 -1 4194560 1 2 3 4 x 20 3 4"} {
		if got, err := parseTimes(bad); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

// TestFamilyHasChildren: what children that have ended have used is there.
func TestFamilyHasChildren(t *testing.T) {
	before, err := FamilyCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	began, err := readTimes(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// The loop ends because the time of its children is counted.
	now := began
	for now.ended-began.ended < 5*tick {
		if err := exec.CommandContext(t.Context(), "sh", "-c", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done").Run(); err != nil {
			t.Fatal(err)
		}
		if now, err = readTimes(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := FamilyCPU(os.Getpid()); err != nil || after-before < 5*tick {
		t.Errorf("it has grown from %s to %s, %v", before, after, err)
	}
}
