package executor

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// goroutine returns the name of the goroutine that calls it.
func goroutine() string {
	b := make([]byte, 64)
	name, _, _ := bytes.Cut(b[:runtime.Stack(b, false)], []byte(" ["))
	return string(name)
}

// TestWorkersRunManyExecutions: executions that follow one another share goroutines, and Close
// waits for workers that have nothing to do.
func TestWorkersRunManyExecutions(t *testing.T) {
	const executions = 100
	j := newLedger()
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document("t>a", Echo("a", `1`)))
	workers := make(map[string]bool) // the executions follow one another
	r := l.runner(p)
	resolve := r.Resolve
	r.Resolve = func(ctx context.Context, e *journal.Entry) (*engine.Program, error) {
		workers[goroutine()] = true
		return resolve(ctx, e)
	}
	x := New(j, 0)
	remove := x.Use(r)
	for n := range executions {
		l.accept(x, p, fmt.Sprintf("exec-%d", n))
		Receive(t, j.finished)
	}
	l.drain(x, 0)
	remove()
	// some have not ended when the next execution is claimed
	if n := len(workers); n > executions/2 {
		t.Errorf("%d goroutines have run %d executions", n, executions)
	}
	l.wantNoReferences()
}

// TestCallsOfTheJournalEnd: calls share contexts, and each ends journalTimeout after its call or a
// little later.
func TestCallsOfTheJournalEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c journalCalls
		first := c.context()
		time.Sleep(shareFor - time.Nanosecond)
		if c.context() != first {
			t.Error("a call within the same moment has another context")
		}
		time.Sleep(time.Nanosecond)
		second := c.context()
		if second == first {
			t.Error("a later call has the same context")
		}
		time.Sleep(journalTimeout)
		synctest.Wait()
		if first.Err() == nil || second.Err() != nil {
			t.Errorf("after journalTimeout the contexts say %v and %v", first.Err(), second.Err())
		}
		time.Sleep(shareFor)
		synctest.Wait()
		if second.Err() == nil {
			t.Error("the context of a call does not end")
		}
	})
}
