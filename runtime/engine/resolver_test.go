package engine

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/sandbox"
)

// hooked are globals that call something when a template asks for the one that is named hook.
type hooked struct {
	workspace
	hook func()
}

func (h *hooked) Global(key string) ([]byte, bool) {
	if key == "hook" {
		h.hook()
	}
	return h.workspace.Global(key)
}

// longBody is an object of about size bytes: items, much else, and its last member.
func longBody(items, size int) string {
	var b strings.Builder
	b.WriteString(`{"items":[0` + strings.Repeat(",0", items-1) + `],`)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `"k%d":[],`, i)
	}
	return b.String() + `"last":1}`
}

// TestResolvingEndsInTime: whatever a node resolves when its time is over or the execution ends, it
// is not called any more. Items that run beside the one that is late may have been.
func TestResolvingEndsInTime(t *testing.T) {
	body := longBody(3, 1<<20)
	const much = `{{trigger.data}}` // more than may be resolved before somebody looks
	for name, n := range map[string]string{
		"a config": task("a", `"do":"echo","hook":"{{global.hook}}","value":"`+much+`"`),
		"a text":   task("a", `"do":"echo","hook":"{{global.hook}}","value":"-`+much+`"`),
		"a field":  task("a", `"do":"echo","hook":"{{global.hook}}","value":"{{trigger.data.last}}"`),
		"an item": task("a", `"do":"echo","hook":"{{global.hook}}","value":"{{trigger.data.last}}"`,
			`"forEach":"{{trigger.data.items}}"`, `"concurrency":3`),
		"a list": task("a", `"do":"echo"`, `"forEach":"{{global.hook.none}}"`),
	} {
		for _, c := range []struct{ ends, want, says string }{
			{"time", "failed a!timeout", "limits.node_timeout of 10s has passed"},
			{"execution", "cancelled a!cancelled", "the execution ended while the node ran"},
		} {
			t.Run(name+" "+c.ends, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var late atomic.Int64
				globals := &hooked{workspace: workspace{"hook": body}}
				globals.hook = func() {
					if c.ends == "time" {
						late.Store(int64(time.Hour))
					} else {
						cancel()
					}
				}
				l := newLab(t, Config{Globals: globals, Clock: func() time.Time {
					return time.Now().Add(time.Duration(late.Load()))
				}}, sandbox.Limits{})
				p := l.program(document("t>a", n))
				r := l.engine.Run(ctx, p, "exec-1", event(t, body), nil)
				a := r.Nodes[1]
				if got := show(p, r); got != c.want || !strings.Contains(a.Err.Message, c.says) || a.Attempts != 0 && name != "an item" {
					t.Errorf("%s after %d attempts: %v", got, a.Attempts, a.Err)
				}
			})
		}
	}
}

// TestForEachWalksOverValuesOnce: the clock is looked at once for so much work, so it tells how
// much there was.
func TestForEachWalksOverValuesOnce(t *testing.T) {
	const items = 300
	for name, field := range map[string]string{"behind": "last", "missing": "none", "before": "items[0]", "element": "items[299]"} {
		t.Run(name, func(t *testing.T) {
			var looks atomic.Int64
			l := newLab(t, Config{Clock: func() time.Time { looks.Add(1); return time.Now() }}, sandbox.Limits{})
			p := l.program(document("t>a a>b",
				task("a", `"do":"echo","value":1,"x":"`+strings.Repeat("{{trigger.data."+field+"}}", 20)+`"`,
					`"forEach":"{{trigger.data.items}}"`, `"concurrency":8`),
				task("b", `"do":"echo","value":1,"x":"`+strings.Repeat("{{trigger.data."+field+"}}", 900)+`"`)))
			if r := l.engine.Run(t.Context(), p, "exec-1", event(t, longBody(items, 1<<20)), nil); r.Status != Succeeded {
				t.Fatal(r.Status)
			}
			if n := looks.Load(); n > 3*items {
				t.Errorf("the clock was looked at %d times for %d items", n, items)
			}
		})
	}
}

// TestLongValuesAreResolvedInTurn: items that run together do not all make theirs at once.
func TestLongValuesAreResolvedInTurn(t *testing.T) {
	var now, most atomic.Int32
	globals := &hooked{workspace: workspace{"hook": `1`}, hook: func() {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		for range 1000 {
			runtime.Gosched()
		}
		now.Add(-1)
	}}
	l := newLab(t, Config{Globals: globals, Limits: Limits{ExecutionMemory: 8 << 20}}, sandbox.Limits{})
	p := l.program(document("t>a", task("a", `"do":"echo","long":"{{trigger.data.long}}","value":"{{global.hook}}"`,
		`"forEach":"{{trigger.data.items}}"`, `"concurrency":8`)))
	body := `{"items":[1,2,3,4,5,6,7,8,9,10,11,12],"long":"` + strings.Repeat("x", 2*atOnce) + `"}`
	if r := l.engine.Run(t.Context(), p, "exec-1", event(t, body), nil); r.Status != Succeeded {
		t.Fatalf("%s: %v", r.Status, r.Nodes[1].Err)
	}
	if most.Load() != 1 {
		t.Errorf("%d at a time", most.Load())
	}
}
