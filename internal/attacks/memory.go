package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/internal/wasmbuild"
)

const (
	sandboxMemory = 1024 // MiB, the default of limits.sandbox_memory
	besideIt      = 400  // MiB that a process may use in addition
)

// peak samples the memory of a process until stop is called. stop returns the maximum, in MiB.
func peak(pid int) (stop func() int) {
	most, over := 0, make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, taken(pid))
			select {
			case <-tick.C:
			case <-over:
				return
			}
		}
	})
	return func() int {
		close(over)
		watch.Wait()
		return most
	}
}

// memoryBeside measures the peak memory of the process while f runs, and whether other senders
// still get responses.
func (s *scene) memoryBeside(ctx context.Context, v *server, what string, f func()) {
	stop := peak(v.PID())
	right, of := v.beside(ctx, request{id: "other", body: "{}"}, 50*time.Millisecond, f)
	s.atMost(what+": anonymous pages and memfds", float64(stop()), sandboxMemory+besideIt, " MiB")
	s.share(what+": another workflow responds within 1 s", right, of)
}

// hungryItems returns a workflow that calls a node once for each item of a list. Each call takes 40
// MB, and as many run at once as the limits allow.
func hungryItems() string {
	const source = `const a = []; for (let i = 0; i < 40; i++) a.push(new Uint8Array(1e6).fill(1));
let t = 0; for (let i = 0; i < 1e6; i++) t += i; return a.length`
	return chain(object{"timeout": "30s"},
		step{"c", "code", object{"source": source}, object{"forEach": "{{trigger.data.l}}", "concurrency": 256}})
}

// forEachMemory sends one small request whose forEach runs as many memory-hungry calls at once as
// the limits allow.
func forEachMemory(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{"other": one(nil), "many": hungryItems()}); err != nil {
		return err
	}
	for _, n := range []int{60, 256} {
		list := strings.TrimSuffix(strings.Repeat("1,", n), ",")
		s.memoryBeside(ctx, v, fmt.Sprintf("%d items of 40 MB at once", n), func() {
			v.send(ctx, request{id: "many", body: `{"l":[` + list + `]}`})
		})
	}
	return nil
}

// largeImages returns a workflow of 20 code nodes that each hold 45 MB once they are prepared.
// Different n give different nodes.
func largeImages(n int) string {
	steps := make([]step, 20)
	for k := range steps {
		source := fmt.Sprintf("const a = [%d]; for (let i = 0; i < 45; i++) a.push(new Uint8Array(1e6).fill(9));\nexport default () => a.length", n*100+k)
		steps[k] = step{id: fmt.Sprintf("n%d", k), of: "code", config: object{"source": source}}
	}
	return fan(nil, steps...)
}

// imageMemory stores documents whose nodes leave large heaps in their prepared snapshots.
func imageMemory(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{"other": one(nil)}); err != nil {
		return err
	}
	s.memoryBeside(ctx, v, "4 documents of 20 nodes of 45 MB", func() {
		for d := range 4 {
			id := fmt.Sprintf("large%d", d)
			_ = v.Put(ctx, id, largeImages(d)) // the server may reject it
			v.send(ctx, request{id: id, body: "{}"})
		}
	})
	return nil
}

// deep returns a module whose only function calls itself with the same arguments and adds 1 to the
// result.
func deep() []byte {
	itself := []byte{opGet, 0, opGet, 1, opCall, 2}
	m := wasmbuild.Module{
		Functions: []wasmbuild.Function{{Type: wasmbuild.TypeRun, Code: slices.Concat(wasmbuild.I64Const(1), itself, []byte{opAdd64, opEnd})}},
		Run:       itself,
	}
	return m.Bytes()
}

// recursing returns a workflow with a node of the type deep.
func recursing() string {
	return chain(object{"timeout": "30s"}, step{id: "o", of: "deep", config: object{}})
}

// recursion calls modules that recurse without end.
func recursion(ctx context.Context, s *scene) error {
	file, err := s.file("deep.wasm", deep())
	if err != nil {
		return err
	}
	v, err := s.serve(ctx, crash.Config{Options: "node deep " + file})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{"other": one(nil), "deep": recursing()}); err != nil {
		return err
	}
	for _, n := range []int{12, 128} {
		s.memoryBeside(ctx, v, fmt.Sprintf("%d calls at once", n), func() {
			var calls sync.WaitGroup
			for range n {
				calls.Go(func() { v.send(ctx, request{id: "deep", body: "{}"}) })
			}
			calls.Wait()
		})
	}
	return nil
}
