package embedded

import (
	"testing"
	"time"
)

// A start waits for no tick of raft: with these, an election by ticks takes 10 s or more.
func TestStartWaitsForNoTick(t *testing.T) {
	o := Options{Servers: new(Servers), Dir: t.TempDir(), tickMs: 10_000}
	for _, start := range []string{"first", "second"} {
		e, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := e.Open(t.Context()); err != nil {
			t.Fatalf("%s start: %v", start, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s start: it took %v", start, took)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
