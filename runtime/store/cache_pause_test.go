package store

import (
	"testing"
	"time"
)

// A large cache is written less often than a small one, but no cache is delayed for long.
func TestThePauseBetweenWritesOfTheCache(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0: 100 * time.Millisecond, 30 * time.Millisecond: 300 * time.Millisecond, time.Minute: 5 * time.Second,
	} {
		if got := savePause(took); got != want {
			t.Errorf("the pause after a write of %s is %s, want %s", took, got, want)
		}
	}
}
