package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// resident returns the process's memory according to Linux: its own pages, and those of files in
// memory.
func resident(t *testing.T) (n int64) {
	t.Helper()
	debug.FreeOSMemory()
	n = anonymous(t)
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		var stat unix.Stat_t
		if name, _ := os.Readlink(f); strings.HasPrefix(name, "/memfd:flowtrux-snapshot") && unix.Stat(f, &stat) == nil {
			n += stat.Blocks * 512
		}
	}
	return n
}

// anonymous returns the process's own pages according to Linux.
func anonymous(t *testing.T) (n int64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if _, err := fmt.Sscanf(string(line), "RssAnon: %d kB", &n); err == nil {
			break
		}
	}
	return n * 1024
}

// deep is a node that recurses as deep as is needed for some megabytes of stack, and asks the host
// there.
func deep() guest {
	g := node(i32c(100_000), call(3), drop, returnPacked(abi.Output, dataAt, 1)).importing(abi.HostModule, "http", types(tI32, tI32), types(tI32))
	g.data = "1"
	return g.with(function{"", types(tI32), types(tI32), nil, code(
		local(0), []byte{0x04, tI32}, local(0), i32c(-1), add, call(3), local(0), add,
		[]byte{0x05}, i32c(dataAt), i32c(1), call(0), []byte{0x0b},
	)})
}

// The count matches the system's memory: calls that hold all they can get stay within the limit
// according to Linux.
func TestTheCountMatchesLinux(t *testing.T) {
	const (
		limit = 256 << 20
		calls = 64
		slack = 32 << 20 // of the tests themselves, and of the engine for their code
	)
	for name, c := range map[string]struct {
		guest guest
		input int
	}{
		"memory that grows":           {eater(1), 128},
		"memory that a snapshot has":  {eater(128), 0},
		"both":                        {eater(64), 64},
		"stacks":                      {deep(), 0},
		"memory that cannot be reset": {unresettable(eater(64)), 64},
	} {
		t.Run(name, func(t *testing.T) {
			before := resident(t)
			b := NewBudget(limit)
			m := load(t, newHostWith(t, Options{Budget: b}), c.guest.bytes(), Limits{Memory: 64 << 20, Timeout: time.Minute}, httpGrants)
			workflows := []*Client{m.For("a"), m.For("b")}
			at := newGatekeeper()
			ended := make(chan error, calls)
			var all sync.WaitGroup
			for i := range calls {
				all.Go(func() {
					s := at.session()
					s.Deadline = time.Now().Add(30 * time.Second)
					_, err := workflows[i%2].Call(t.Context(), s, make([]byte, c.input), nil)
					ended <- err
				})
			}
			// Each call waits in the host, fails, or is in the wait queue.
			in, failed := 0, 0
			for in+failed+int(b.waiting.Load()) < calls {
				select {
				case <-at.entered:
					in++
				case err := <-ended:
					fails(t, err, CodeMemory)
					failed++
				case <-time.After(10 * time.Millisecond):
				}
			}
			counted, given := b.used.Load(), resident(t)-before
			t.Logf("%d calls hold %d MiB, by what is counted %d MiB; %d have failed", in, given>>20, counted>>20, failed)
			if counted > limit || given > heapTakes*(counted+slack) {
				t.Errorf("Linux gives %d bytes, %d are counted, of %d", given, counted, limit)
			}
			if in < 4 {
				t.Errorf("%d calls run", in)
			}
			close(at.resume)
			all.Wait()
			if after := resident(t) - before; after > b.used.Load()+slack+(heapTakes-1)*(counted+slack) {
				t.Errorf("Linux gives %d bytes after the calls, %d are counted", after, b.used.Load())
			}
		})
	}
}

// unresettable makes a guest that gets a new instance for each call.
func unresettable(g guest) guest {
	g.tables = [][]byte{{0x70, 0x00, 0x01}}
	g.funcs = append(g.funcs, void("", tableGrow(0), drop))
	return g
}

// Idle instances of the built-in nodes take little memory, and little is counted for them.
func TestIdleInstancesTakeLittle(t *testing.T) {
	const instances = 200
	m := loadCode(t, newHost(t), Limits{})
	p := m.instances.(registeredPool).pool
	before, counted := resident(t), m.budget.used.Load()
	var all []*instance
	for range instances {
		all = append(all, newInstance(t, p))
	}
	given, n := resident(t)-before, m.budget.used.Load()-counted
	for _, in := range all {
		in.close()
	}
	if given > heapTakes*n || n > instances<<19 {
		t.Errorf("%d instances take %d bytes, %d are counted", instances, given, n)
	}
}

// A snapshot's zeros take no memory, even when they are read, and are zeros for each call.
func TestZerosOfASnapshotTakeNothing(t *testing.T) {
	sum := code( // of a byte of each page, from the first on
		[]byte{0x03, 0x40}, local(2), local(3), i32c(12), []byte{0x74}, load8, add, []byte{0x21, 2},
		local(3), i32c(1), add, []byte{0x22, 3}, i32c(1000<<4), []byte{0x49, 0x0d, 0x00, 0x0b})
	// once more: a call that wrote where there were zeros
	g := node(sum, i32c(dataAt), local(2), i32c(48), add, store8,
		i32c(30<<20), i32c(1), store8, returnPacked(abi.Output, dataAt, 1))
	g.funcs[1].locals = []byte{1, 2, tI32}
	g.memory, g.data = append([]byte{0}, leb(1000)...), "\x30"
	before := resident(t)
	m := load(t, newHost(t), g.bytes(), Limits{Memory: 64 << 20}, hostapi.Grants{})
	if counted := m.budget.used.Load(); counted > 1<<20 {
		t.Errorf("a snapshot of zeros counts %d bytes", counted)
	}
	for range 3 {
		if r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err != nil || string(r.Output) != "0" {
			t.Fatalf("%s, %v", r.Output, err)
		}
	}
	if given := resident(t) - before; given > 8<<20 {
		t.Errorf("Linux gives %d bytes", given)
	}
}

// An instruction that writes to all of a memory is counted before it runs: the scheduler may let
// others run as soon as it has ended, before any check.
func TestLongWritesAreCountedBefore(t *testing.T) {
	fill := node(i32c(0), i32c(3), i32c(40<<20), []byte{0xfc, 0x0b, 0x00}, forever, returnPacked(abi.Output, dataAt, 1))
	fill.memory = append([]byte{0}, leb(640)...)
	m := load(t, newHost(t), fill.bytes(), Limits{Memory: 64 << 20, Timeout: 2 * time.Second}, hostapi.Grants{})
	m.budget.SetLimit(200 << 20)
	before := resident(t)
	client := m.For("w")
	var all sync.WaitGroup
	var failed atomic.Int64
	for range 60 {
		all.Go(func() {
			_, err := client.Call(t.Context(), new(hostapi.Session), nil, nil)
			var e *Error
			if errors.As(err, &e) && e.Code == CodeMemory {
				failed.Add(1)
			}
		})
	}
	over, peak := make(chan struct{}), int64(0)
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				peak = max(peak, anonymous(t))
			}
		}
	})
	all.Wait()
	close(over)
	watch.Wait()
	if peak -= before; peak > 232<<20 || failed.Load() < 40 {
		t.Errorf("the calls took %d bytes at most; %d have failed", peak, failed.Load())
	}
}

// A snapshot has few parts, which hold everything that is not zero.
func TestExtents(t *testing.T) {
	for name, c := range map[string]struct {
		pages []int // of 128 KiB that hold something
		want  int
	}{
		"nothing":     {nil, 0},
		"everything":  {[]int{0, 1, 2, 3}, 1},
		"two":         {[]int{0, 30}, 2},
		"small gaps":  {[]int{0, 2, 4, 6, 8, 10}, 1},
		"large gaps":  {[]int{0, 3, 6, 9, 12, 15, 18, 21, 24}, maxExtents},
		"at the ends": {[]int{0, 63}, 2},
	} {
		memory := make([]byte, 64*smallGap)
		for _, n := range c.pages {
			memory[n*smallGap] = 1
			memory[(n+1)*smallGap-1] = 1
		}
		parts, rest := extents(memory), bytes.Clone(memory)
		for _, e := range parts {
			clear(e.of(rest))
		}
		if len(parts) != c.want || bytes.ContainsRune(rest, 1) {
			t.Errorf("%s: %v, want %d", name, parts, c.want)
		}
	}
}

// Garbage is collected for waiting calls: nobody else may come for a while.
func TestGarbageIsCollectedForWaiters(t *testing.T) {
	const limit = 64 << 20
	m := load(t, newHostWith(t, Options{Budget: NewBudget(limit)}), deep().bytes(), Limits{Timeout: time.Minute}, httpGrants)
	b := m.budget
	need := limit - b.used.Load() - 1<<20
	at := newGatekeeper()
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := m.Call(t.Context(), at.session(), nil, nil); err != nil {
			t.Error(err)
		}
	})
	<-at.entered
	waits := make(chan *Error)
	go func() { waits <- b.own.awaitMemory(t.Context(), time.Now().Add(evictInterval/3), need) }()
	for b.waiting.Load() == 0 {
		runtime.Gosched()
	}
	close(at.resume)
	all.Wait()
	if failure := <-waits; failure != nil {
		t.Errorf("%v; %d bytes of garbage", failure, b.garbage.Load())
	}
}
