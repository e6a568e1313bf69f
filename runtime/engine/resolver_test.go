package engine_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// hooked are globals that call a function when a template reads the global named hook.
type hooked struct {
	Workspace
	hook func()
}

func (h *hooked) Global(key string) ([]byte, bool) {
	if key == "hook" {
		h.hook()
	}
	return h.Workspace.Global(key)
}

// TestResolvingEndsInTime checks that a node is not called if its time is over, or the execution
// ends, while its config is resolved. Items that run concurrently may have been called.
func TestResolvingEndsInTime(t *testing.T) {
	body := LongBody(3, 1<<20)
	const much = `{{trigger.data}}` // more than is resolved between two looks at the clock
	for name, n := range map[string]string{
		"a config": Task("a", `"do":"echo","hook":"{{global.hook}}","value":"`+much+`"`),
		"a text":   Task("a", `"do":"echo","hook":"{{global.hook}}","value":"-`+much+`"`),
		"a field":  Task("a", `"do":"echo","hook":"{{global.hook}}","value":"{{trigger.data.last}}"`),
		"an item": Task("a", `"do":"echo","hook":"{{global.hook}}","value":"{{trigger.data.last}}"`,
			`"forEach":"{{trigger.data.items}}"`, `"concurrency":3`),
		"a list": Task("a", `"do":"echo"`, `"forEach":"{{global.hook.none}}"`),
	} {
		for _, c := range []struct{ ends, want, says string }{
			{"time", "failed a!timeout", "limits.node_timeout of 10s has passed"},
			{"execution", "cancelled a!cancelled", "the execution ended while the node ran"},
		} {
			t.Run(name+" "+c.ends, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var late atomic.Int64
				globals := &hooked{Workspace: Workspace{"hook": body}}
				globals.hook = func() {
					if c.ends == "time" {
						late.Store(int64(engine.DefaultLimits().NodeTimeout))
					} else {
						cancel()
					}
				}
				l := NewLab(t, engine.Config{Globals: globals, Clock: func() time.Time {
					return time.Now().Add(time.Duration(late.Load()))
				}}, sandbox.Limits{})
				p := l.Program(Document("t>a", n))
				r := l.Engine.NewExecution(ctx, p, "exec-1", Event(t, body), nil).Run()
				a := r.Nodes[1]
				if got := Show(p, r); got != c.want || !strings.Contains(a.Err.Message, c.says) || a.Attempts != 0 && name != "an item" {
					t.Errorf("%s after %d attempts: %v", got, a.Attempts, a.Err)
				}
			})
		}
	}
}

// TestForEachWalksOverValuesOnce counts looks at the clock: each stands for a fixed amount of work.
func TestForEachWalksOverValuesOnce(t *testing.T) {
	const items = 300
	for name, field := range map[string]string{"behind": "last", "missing": "none", "before": "items[0]", "element": "items[299]"} {
		t.Run(name, func(t *testing.T) {
			var looks atomic.Int64
			l := NewLab(t, engine.Config{Clock: func() time.Time { looks.Add(1); return time.Now() }}, sandbox.Limits{})
			p := l.Program(Document("t>a a>b",
				Task("a", `"do":"echo","value":1,"x":"`+strings.Repeat("{{trigger.data."+field+"}}", 20)+`"`,
					`"forEach":"{{trigger.data.items}}"`, `"concurrency":8`),
				Task("b", `"do":"echo","value":1,"x":"`+strings.Repeat("{{trigger.data."+field+"}}", 900)+`"`)))
			if r := l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, LongBody(items, 1<<20)), nil).Run(); r.Status != engine.Succeeded {
				t.Fatal(r.Status)
			}
			if n := looks.Load(); n > 3*items {
				t.Errorf("the clock was looked at %d times for %d items", n, items)
			}
		})
	}
}

// TestLongValuesAreResolvedInTurn checks that concurrent items do not resolve long values at the
// same time.
func TestLongValuesAreResolvedInTurn(t *testing.T) {
	var now, most atomic.Int32
	globals := &hooked{Workspace: Workspace{"hook": `1`}, hook: func() {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		for range 1000 {
			runtime.Gosched()
		}
		now.Add(-1)
	}}
	l := NewLab(t, engine.Config{Globals: globals, Limits: engine.Limits{ExecutionMemory: 8 << 20}}, sandbox.Limits{})
	p := l.Program(Document("t>a", Task("a", `"do":"echo","long":"{{trigger.data.long}}","value":"{{global.hook}}"`,
		`"forEach":"{{trigger.data.items}}"`, `"concurrency":8`)))
	body := `{"items":[1,2,3,4,5,6,7,8,9,10,11,12],"long":"` + strings.Repeat("x", 2*engine.MaxUnlocked) + `"}`
	if r := l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, body), nil).Run(); r.Status != engine.Succeeded {
		t.Fatalf("%s: %v", r.Status, r.Nodes[1].Err)
	}
	if most.Load() != 1 {
		t.Errorf("%d at a time", most.Load())
	}
}
