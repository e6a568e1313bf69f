package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

const (
	sandboxMemory = 1024 // MiB, the default of limits.sandbox_memory
	besideIt      = 400  // MiB that a process may take beside it
)

// taken is what a process takes, in MiB: its anonymous pages, and the blocks of its memfds, which are in no RSS.
func taken(pid int) int {
	bytes := 0
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	if _, rest, ok := strings.Cut(string(status), "RssAnon:"); ok {
		kib, _ := strconv.Atoi(strings.Fields(rest)[0])
		bytes = kib << 10
	}
	seen := make(map[uint64]bool)
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid)) // the pattern is a good one
	for _, fd := range files {
		var st syscall.Stat_t
		if to, err := os.Readlink(fd); err != nil || !strings.HasPrefix(to, "/memfd:") {
			continue
		}
		if syscall.Stat(fd, &st) == nil && !seen[st.Ino] {
			seen[st.Ino] = true
			bytes += int(st.Blocks) * 512
		}
	}
	return bytes / mib
}

// peak watches what a process takes until stop is called, which returns the most, in MiB.
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

// memoryBeside measures what the process takes at most while f runs, and whether others are answered.
func (s *scene) memoryBeside(ctx context.Context, v *server, what string, f func()) {
	stop := peak(v.PID())
	right, of := v.beside(ctx, request{id: "other", body: "{}"}, 50*time.Millisecond, f)
	s.atMost(what+": anonymous pages and memfds", float64(stop()), sandboxMemory+besideIt, " MiB")
	s.share(what+": another workflow is answered within 1 s", right, of)
}

// forEachMemory has one small request run as many memory-hungry calls at once as a forEach can.
func forEachMemory(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{})
	if err != nil {
		return err
	}
	const source = `const a = []; for (let i = 0; i < 40; i++) a.push(new Uint8Array(1e6).fill(1));
let t = 0; for (let i = 0; i < 1e6; i++) t += i; return a.length`
	if err := v.put(ctx, map[string]string{"other": one(nil), "many": chain(object{"timeout": "30s"},
		step{"c", "code", object{"source": source}, object{"forEach": "{{trigger.data.l}}", "concurrency": 256}})}); err != nil {
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

// imageMemory stores documents whose nodes leave large heaps behind when they are prepared.
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
			steps := make([]step, 20)
			for k := range steps {
				source := fmt.Sprintf("const a = [%d]; for (let i = 0; i < 45; i++) a.push(new Uint8Array(1e6).fill(9));\nexport default () => a.length", d*100+k)
				steps[k] = step{id: fmt.Sprintf("n%d", k), of: "code", config: object{"source": source}}
			}
			id := fmt.Sprintf("large%d", d)
			_ = v.Put(ctx, id, fan(nil, steps...)) // it may be refused
			v.send(ctx, request{id: id, body: "{}"})
		}
	})
	return nil
}

// recursion calls modules that call themselves without an end.
func recursion(ctx context.Context, s *scene) error {
	itself := []byte{0x42, 1, 0x20, 0, 0x20, 1, 0x10, 2, 0x7c, 0x0b} // i64.const 1, itself(the same arguments), i64.add
	m := wasm{funcs: []function{{typ: typeRun, code: itself}}, run: []byte{0x20, 0, 0x20, 1, 0x10, 2}}
	file, err := s.file("deep.wasm", m.bytes())
	if err != nil {
		return err
	}
	v, err := s.serve(ctx, crash.Config{Options: "node deep " + file})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{"other": one(nil), "deep": chain(object{"timeout": "30s"}, step{id: "o", of: "deep", config: object{}})}); err != nil {
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
