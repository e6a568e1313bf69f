package sandbox

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// busyModule returns a module with memory for this many instances, whose calls wait in the host
// until they are resumed.
func busyModule(t *testing.T, instances int) (m *Module, entered chan struct{}, call func() error, resume chan struct{}) {
	t.Helper()
	g := node(i32c(1), i32c(dataAt), i32c(2), call0, returnPacked(abi.Output, dataAt, 1)).
		importing(abi.HostModule, "log", types(tI32, tI32, tI32), none)
	g.data = "1 "
	m = load(t, newHost(t), g.bytes(), Limits{Timeout: time.Minute}, hostapi.Grants{Log: true})
	limitInstances(m, instances)
	entered, resume = make(chan struct{}, 100), make(chan struct{})
	call = func() error {
		s := &hostapi.Session{Grants: m.Grants(), Log: func(int, string) { entered <- struct{}{}; <-resume }}
		_, err := m.Call(context.Background(), s, nil, nil)
		return err
	}
	return m, entered, call, resume
}

var call0 = call(0)

// limitInstances limits the budget to this many instances of a module that has none yet.
func limitInstances(m *Module, instances int) {
	m.budget.SetLimit(m.budget.used.Load() + int64(instances)*bytesOfOne(m))
}

// bytesOfOne returns the footprint of an instance at its start in a small budget.
func bytesOfOne(m *Module) int64 {
	defer m.budget.SetLimit(1 << 20)()
	p := m.instances.(registeredPool).pool
	return p.footprint(p.snapshot).bytes
}

// Calls wait for an instance while all are in use, and each gets one.
func TestCallsWaitForInstances(t *testing.T) {
	const instances, calls = 3, 50
	m, entered, call, resume := busyModule(t, instances)
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		})
	}
	for range instances {
		<-entered
	}
	p := m.instances.(registeredPool).pool
	for m.budget.waiting.Load() < calls-instances { // the others are running or in the queue
		time.Sleep(time.Millisecond)
	}
	select {
	case <-entered:
		t.Error("more calls run than there are instances")
	default:
	}
	if n := p.live.Load(); n != instances {
		t.Errorf("%d instances, want %d", n, instances)
	}
	close(resume)
	all.Wait()
	if n := p.live.Load(); n > instances { // one that was free may have made room for another
		t.Errorf("%d instances, want at most %d", n, instances)
	}
}

// A waiting call gives up when its time limit passes or its caller cancels, and leaves no trace in
// the queue.
func TestCallsGiveUpWaiting(t *testing.T) {
	m, entered, call, resume := busyModule(t, 1)
	var first sync.WaitGroup
	first.Go(func() {
		if err := call(); err != nil {
			t.Error(err)
		}
	})
	<-entered
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.Call(gone, new(hostapi.Session), nil, nil)
	fails(t, err, CodeCancelled)
	soon, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err = m.Call(soon, new(hostapi.Session), nil, nil)
	fails(t, err, CodeCancelled)
	_, err = m.Call(t.Context(), &hostapi.Session{Deadline: time.Now().Add(10 * time.Millisecond)}, nil, nil)
	fails(t, err, CodeTimeout)
	if b := m.budget; len(b.order) != 0 || len(b.own.queue) != 0 || b.waiting.Load() != 0 {
		t.Errorf("%d calls are still in the line", b.waiting.Load())
	}
	close(resume)
	first.Wait()
	if err := call(); err != nil {
		t.Error(err)
	}
}

// If an instance is lost, the waiting call makes another one.
func TestALostInstanceIsReplaced(t *testing.T) {
	m, entered, call, resume := busyModule(t, 1)
	p := m.instances.(registeredPool).pool
	lost, failure := p.acquire(t.Context(), new(hostapi.Session), m.budget.own)
	if failure != nil {
		t.Fatal(failure)
	}
	var all sync.WaitGroup
	all.Go(func() {
		if err := call(); err != nil {
			t.Error(err)
		}
	})
	for m.budget.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	p.discard(lost)
	<-entered
	close(resume)
	all.Wait()
}

// Unused instances first release their memory and are closed later. One remains.
func TestIdleInstancesAreEvicted(t *testing.T) {
	m, entered, call, resume := busyModule(t, 100)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _ = call() })
	}
	for range 8 {
		<-entered
	}
	close(resume)
	all.Wait()
	p := m.instances.(registeredPool).pool
	if n := p.live.Load(); n != 8 {
		t.Fatalf("%d instances, want 8", n)
	}
	trims := 0
	for i := range p.shards {
		for _, in := range p.shards[i].free {
			in.memory.region = &trimmed{in.memory.region, &trims}
		}
	}
	p.evictIdle() // since the last look all were in use
	p.evictIdle()
	if trims != 8 {
		t.Errorf("%d of 8 idle instances have given their memory back", trims)
	}
	if n := p.live.Load(); n != 8 {
		t.Errorf("%d instances are left after a moment", n)
	}
	for range closeAfterIdle + len(p.shards) {
		p.evictIdle()
	}
	if n := p.live.Load(); n != 1 {
		t.Errorf("%d instances are left after a long time, want 1", n)
	}
	if err := call(); err != nil {
		t.Error(err)
	}
}

// trimmed is a region that counts how often it is trimmed.
type trimmed struct {
	region
	trims *int
}

func (t *trimmed) trim() {
	*t.trims++
	t.region.trim()
}

// A pool can be used, evicted and closed concurrently.
func TestPoolConcurrently(t *testing.T) {
	m := load(t, newHost(t), says(abi.Output, "1").bytes(), small, hostapi.Grants{})
	limitInstances(m, 4)
	p := m.instances.(registeredPool).pool
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				if _, err := m.Call(context.Background(), new(hostapi.Session), nil, nil); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Go(func() {
		for range 200 {
			p.evictIdle()
		}
	})
	all.Wait()
	if n := p.live.Load(); n < 1 || n > 4 {
		t.Errorf("%d instances", n)
	}
}

func TestNoWayToResetIsAnErrorOfLoad(t *testing.T) {
	h := newHostWith(t, Options{Reset: ResetNever + 1})
	if _, err := h.Load(t.Context(), ModuleConfig{Source: "a.wasm", Wasm: says(abi.Output, "1").bytes()}); err == nil {
		t.Error("loaded")
	}
}

// An instance that has released memory since its last use still works and is reset.
func TestATrimmedInstanceIsRestored(t *testing.T) {
	g := node(i32c(dataAt), i32c(dataAt), load8, i32c(1), add, store8, local(1), []byte{0x04, 0x40}, i32c(1), grow, drop, []byte{0x0b},
		returnPacked(abi.Output, dataAt, 1))
	g.data = "0"
	everyReset(t, func(t *testing.T, h *Host) {
		m := load(t, h, g.bytes(), small, hostapi.Grants{})
		for i, input := range []string{"grow", "", "", "grow", "", "grow", ""} {
			if r, err := m.Call(t.Context(), new(hostapi.Session), []byte(input), nil); err != nil || string(r.Output) != "1" {
				t.Errorf("call %d: %s, %v", i, r.Output, err)
			}
			if pool, ok := m.instances.(registeredPool); ok && i%3 == 0 {
				pool.evictIdle()
				pool.evictIdle()
			}
		}
	})
}
