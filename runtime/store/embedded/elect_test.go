package embedded

import (
	"fmt"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/storetest"
)

// A start waits for no tick of raft: with these, an election by ticks takes 10 s or more. And it
// asks for its election only when all of its log is applied; otherwise raft panics, which many
// starts show.
func TestStartWaitsForNoTick(t *testing.T) {
	o := Options{Servers: new(Servers), Dir: t.TempDir(), tickMs: 10_000}
	want := make(map[string]string)
	for start := range 20 {
		e, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := e.Open(t.Context()); err != nil {
			t.Fatalf("start %d: %v", start, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("start %d: it took %v", start, took)
		}
		f := storetest.Follow(t, e)
		f.WaitContent(want)
		f.WaitState(store.Live)
		for i := range 10 {
			key := fmt.Sprintf("globals/%d.%d", start, i)
			if _, err := e.Write(t.Context(), []store.Entry{{Key: key, Value: []byte("1")}}, nil); err != nil {
				t.Fatal(err)
			}
			want[key] = "1"
		}
		f.WaitContent(want)
		f.Stop()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
