package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

const forItems = `"forEach":"{{trigger.data.items}}"`

func TestForEach(t *testing.T) {
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	for _, c := range []struct{ name, document, body, want string }{
		{
			"items and indexes", Document("t>a", Task("a", `"do":"echo","value":["{{index}}","{{item}}","{{item.k}}"]`, forItems)),
			`{"items":[1,{"k":"v"}]}`, `succeeded a=[[0,1,null],[1,{"k":"v"},"v"]]`,
		},
		{
			"no items", Document("t>a a>b", Task("a", `"do":"panic"`, forItems), Echo("b", `"{{steps.a.output}}"`)),
			`{"items":[]}`, `succeeded a=[] b=[]`,
		},
		{
			"one item", Document("t>a", Task("a", `"do":"echo","value":"{{item}}"`, forItems)),
			`{"items":[null]}`, `succeeded a=[null]`,
		},
		{
			"many, several at once", Document("t>a", Task("a", `"do":"echo","value":"{{item}}"`, forItems, `"concurrency":8`)),
			`{"items":[1,2,3,4,5,6,7,8,9,10,11,12]}`, `succeeded a=[1,2,3,4,5,6,7,8,9,10,11,12]`,
		},
		{
			"more at once than there are", Document("t>a", Task("a", `"do":"echo","value":"{{item}}"`, forItems, `"concurrency":8`)),
			`{"items":[1,2]}`, `succeeded a=[1,2]`,
		},
		{
			"a handled failure", Document("t>a a>b:error", Task("a", `"do":"{{item}}","message":"no luck","code":"boom","value":1`, forItems), Echo("b", `1`)),
			`{"items":["echo","fatal"]}`, `succeeded a={"error":{"code":"boom","message":"item 1: no luck"}}:error b=1`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := l.In(t)
			l.WantRun(c.document, c.body, c.want)
		})
	}
}

// TestForEachFailsByTheLowestIndex lets items fail in many orders. In any order, the failing item
// with the lowest index fails the node, and items before it are not disturbed.
func TestForEachFailsByTheLowestIndex(t *testing.T) {
	for _, first := range []string{"2", "4", "5"} {
		t.Run("item "+first+" fails first", func(t *testing.T) {
			var begun sync.WaitGroup
			begun.Add(6)
			failed := make(chan struct{})
			var undisturbed atomic.Int32
			l := NewLab(t, engine.Config{HTTP: HTTPFunc(func(ctx context.Context, item string, _ hostapi.HTTPOptions) (string, error) {
				begun.Done()
				begun.Wait() // all items run
				if item != first {
					<-failed
				} else {
					defer close(failed)
				}
				if item == "2" || item == "4" || item == "5" {
					return "", &hostapi.Failure{Code: "boom_" + item, Message: "no luck", Fatal: true}
				}
				if item < "2" && ctx.Err() == nil {
					undisturbed.Add(1)
				}
				return "1", nil
			})}, sandbox.Limits{})
			r := l.Run(Document("t>a", Ask("a", `"{{item}}"`, forItems, `"concurrency":6`)), `{"items":["0","1","2","3","4","5"]}`)
			if r.Status != engine.Failed || r.Nodes[1].Err.Code != "boom_2" || r.Nodes[1].Err.Message != "item 2: no luck" {
				t.Errorf("ended %s with %+v", r.Status, r.Nodes[1].Err)
			}
			if undisturbed.Load() != 2 {
				t.Errorf("%d of the items before were not disturbed, want 2", undisturbed.Load())
			}
		})
	}
}

func TestForEachCancelsWhatIsNotWanted(t *testing.T) {
	l := NewLab(t, engine.Config{HTTP: HTTPFunc(func(ctx context.Context, item string, _ hostapi.HTTPOptions) (string, error) {
		if item == "0" {
			return "", &hostapi.Failure{Code: "boom", Message: "no luck", Fatal: true}
		}
		<-ctx.Done()
		return "", ctx.Err()
	})}, sandbox.Limits{})
	r := l.Run(Document("t>a", Ask("a", `"{{item}}"`, forItems, `"concurrency":2`, threeAttempts)), `{"items":["0","1","2","3"]}`)
	if r.Status != engine.Failed || r.Nodes[1].Err.Code != "boom" {
		t.Errorf("ended %s with %+v", r.Status, r.Nodes[1].Err)
	}
	if n := r.Nodes[1].Attempts; n > 2 {
		t.Errorf("%d attempts: items began after one had failed", n)
	}
}

func TestForEachConcurrency(t *testing.T) {
	const most = 3
	var running, peak atomic.Int32
	together := make(chan struct{})
	l := NewLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		n := running.Add(1)
		defer running.Add(-1)
		if n == most {
			select {
			case <-together:
			default:
				close(together)
			}
		}
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		<-together
		return "1", nil
	})}, sandbox.Limits{})
	l.WantRun(Document("t>a", Ask("a", `"{{item}}"`, forItems, fmt.Sprintf(`"concurrency":%d`, most))),
		`{"items":[`+strings.Repeat("0,", 11)+`0]}`, `succeeded a=[`+strings.Repeat("1,", 11)+`1]`)
	if peak.Load() != most {
		t.Errorf("%d items ran at once, want %d", peak.Load(), most)
	}
}

func TestForEachRetriesAnItem(t *testing.T) {
	o := &outside{fails: map[string]int{"y": 1, "z": 2}}
	l := NewLab(t, engine.Config{HTTP: HTTPFunc(o.do)}, sandbox.Limits{})
	r := l.WantRun(Document("t>a", Ask("a", `"{{item}}"`, forItems, threeAttempts)), `{"items":["x","y","z"]}`, `succeeded a=["ok","ok","ok"]`)
	want := []string{"x exec-1-a-0", "y exec-1-a-1", "y exec-1-a-1", "z exec-1-a-2", "z exec-1-a-2", "z exec-1-a-2"}
	if !slices.Equal(o.calls, want) || r.Nodes[1].Attempts != len(want) {
		t.Errorf("calls %q, %d attempts; want %q", o.calls, r.Nodes[1].Attempts, want)
	}
}
