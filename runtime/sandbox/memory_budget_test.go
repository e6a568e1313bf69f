package sandbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// eater is a node that begins with this many pages, adds one per byte of its input, writes to all
// of them, calls the host, and returns.
func eater(pages uint32) guest {
	fill := []byte{0xfc, 0x0b, 0x00}
	size := []byte{0x3f, 0x00}
	shl, sub := []byte{0x74}, []byte{0x6b}
	g := guest{memory: append([]byte{0}, leb(uint64(pages))...), funcs: []function{alloc(i32c(bufAt)), run(
		// if it is -1
		local(1), grow, i32c(-1), []byte{0x46}, []byte{0x04, 0x40}, unreachable, []byte{0x0b},
		i32c(bufAt), i32c(1), size, i32c(16), shl, i32c(bufAt), sub, fill,
		i32c(dataAt), i32c(1), call(0), drop, returnPacked(abi.Output, dataAt, 1),
	)}}
	g.data = "1"
	return g.importing(abi.HostModule, "http", types(tI32, tI32), types(tI32))
}

// gatekeeper delays responses until it is told to send them.
type gatekeeper struct {
	entered chan struct{}
	resume  chan struct{}
}

func newGatekeeper() *gatekeeper {
	return &gatekeeper{make(chan struct{}, 10_000), make(chan struct{})}
}

func (g *gatekeeper) Do(_ context.Context, _ []byte, _ hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	g.entered <- struct{}{}
	<-g.resume
	return append(dst, "1"...), nil
}

var httpGrants = hostapi.Grants{HTTP: true}

func (g *gatekeeper) session() *hostapi.Session { return &hostapi.Session{Grants: httpGrants, HTTP: g} }

// caller is the way in which calls are made.
type caller interface {
	Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (Result, error)
}

// loadEater loads an eater in a host with a budget of limit bytes.
func loadEater(t *testing.T, o Options, limit int64, pages uint32) *Module {
	t.Helper()
	o.Budget = NewBudget(limit)
	m := load(t, newHostWith(t, o), eater(pages).bytes(), Limits{Memory: 64 << 20, Timeout: time.Minute}, httpGrants)
	t.Cleanup(func() {
		if n := o.Budget.own.used.Load(); n != 0 {
			t.Errorf("%d bytes are still counted for nobody's calls", n)
		}
	})
	return m
}

// Whatever many calls of several workflows do concurrently, the count never exceeds the limit, and
// all of it is returned.
func TestBudgetHolds(t *testing.T) {
	const limit = 24 << 20
	for way := ResetAuto; way <= ResetNever; way++ {
		t.Run(way.String(), func(t *testing.T) {
			m := loadEater(t, Options{Reset: way}, limit, 8)
			at := newGatekeeper()
			close(at.resume)
			stop := make(chan struct{})
			var watching, all sync.WaitGroup
			watching.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if u := m.budget.Usage(); u.Used > limit || u.Used < 0 {
						t.Errorf("%d bytes are counted, of %d", u.Used, limit)
						return
					}
					runtime.Gosched()
				}
			})
			clients := []*Client{m.For("a"), m.For("b"), m.For("c")}
			var answers atomic.Int64
			for g := range 12 {
				all.Go(func() {
					random := rand.New(rand.NewPCG(uint64(g), 1))
					for range 40 {
						s := at.session()
						s.Deadline = time.Now().Add(time.Duration(1+random.IntN(2000)) * time.Millisecond)
						_, err := clients[g%3].Call(t.Context(), s, make([]byte, random.IntN(160)), nil)
						var e *Error
						switch {
						case err == nil:
							answers.Add(1)
						case !errors.As(err, &e) || e.Code != CodeMemory && e.Code != CodeTimeout:
							t.Error(err)
						}
						if random.IntN(10) == 0 {
							m.budget.reclaim(int64(random.IntN(limit)))
						}
						if pool, ok := m.instances.(registeredPool); ok && random.IntN(10) == 0 {
							pool.evictIdle()
						}
					}
				})
			}
			all.Wait()
			close(stop)
			watching.Wait()
			if answers.Load() == 0 {
				t.Error("no call has had an answer")
			}
			for _, c := range clients {
				if n := c.share.used.Load(); n != 0 {
					t.Errorf("%d bytes are counted for a workflow without calls", n)
				}
			}
		})
	}
}

// A workflow has three quarters of the budget and others have the rest: however many of its calls
// wait, another's call proceeds.
func TestAWorkflowHasItsShare(t *testing.T) {
	m := loadEater(t, Options{}, 0, 1)
	one := bytesOfOne(m)
	m.budget.SetLimit(m.budget.used.Load() + 8*one)
	flood, other := m.For("flood"), m.For("other")
	at := newGatekeeper()
	var all sync.WaitGroup
	call := func(c caller) {
		all.Go(func() {
			if _, err := c.Call(t.Context(), at.session(), nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range 40 {
		call(flood)
	}
	share := int(flood.share.limit() / one)
	for range share {
		<-at.entered
	}
	for m.budget.waiting.Load() < int64(40-share) {
		time.Sleep(time.Millisecond)
	}
	call(other)
	<-at.entered
	if used, most := flood.share.used.Load(), flood.share.limit(); used > most || share < 5 || share > 7 {
		t.Errorf("%d bytes of %d, %d calls run", used, most, share)
	}
	close(at.resume)
	all.Wait()
}

// Workflows with waiting calls take turns: one with many calls is not served before one with a
// single call.
func TestWorkflowsTakeTurnsForMemory(t *testing.T) {
	m := loadEater(t, Options{}, 0, 1)
	limitInstances(m, 1)
	at := newGatekeeper()
	var all sync.WaitGroup
	var mu sync.Mutex
	var order []string
	call := func(c caller, name string) {
		waiting := m.budget.waiting.Load()
		all.Go(func() {
			if _, err := c.Call(t.Context(), at.session(), nil, nil); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
		})
		for name != "" && m.budget.waiting.Load() == waiting {
			time.Sleep(time.Millisecond)
		}
	}
	call(m, "")
	<-at.entered
	for range 10 {
		call(ownShare{m, "flood"}, "flood")
	}
	call(ownShare{m, "other"}, "other")
	for range 12 {
		at.resume <- struct{}{}
	}
	all.Wait()
	if place := 0; len(order) == 12 {
		for i, name := range order {
			if name == "other" {
				place = i
			}
		}
		if place > 3 {
			t.Errorf("the other's call was served after %d: %v", place, order)
		}
	}
}

// ownShare calls for a workflow that may use the whole budget, which is too small to be shared.
type ownShare struct {
	m  *Module
	id string
}

func (o ownShare) Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (Result, error) {
	return o.m.callFor(ctx, s, shareOf(o.m.budget, o.id), in, dst)
}

var wholes sync.Map

func shareOf(b *Budget, id string) *Share {
	type key struct {
		b  *Budget
		id string
	}
	s, _ := wholes.LoadOrStore(key{b, id}, &Share{budget: b})
	return s.(*Share)
}

// A call that waits for memory fails when its time limit passes, and one that could never begin
// fails at once. Each error names the reason.
func TestWaitingForMemoryEnds(t *testing.T) {
	m := loadEater(t, Options{}, 0, 1)
	p := m.instances.(registeredPool).pool
	one := bytesOfOne(m)
	release := m.budget.SetLimit(m.budget.used.Load() + one)
	at := newGatekeeper()
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := m.Call(t.Context(), at.session(), nil, nil); err != nil {
			t.Error(err)
		}
	})
	<-at.entered
	s := at.session()
	s.Deadline = time.Now().Add(10 * time.Millisecond)
	_, err := m.Call(t.Context(), s, nil, nil)
	fails(t, err, CodeTimeout)
	gone, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err = m.Call(gone, at.session(), nil, nil)
	fails(t, err, CodeCancelled)
	if u := m.budget.Usage(); u.Waiting != 0 || u.Used > u.Limit {
		t.Errorf("%+v", u)
	}
	at.resume <- struct{}{}
	first.Wait()

	m.budget.SetLimit(one / 2)
	p.reclaim(idleInstances, func() bool { return false })
	_, err = m.Call(t.Context(), at.session(), nil, nil)
	fails(t, err, CodeMemory)
	release()
}

// Memory growth within a call never waits: the call fails, and its error names the limit that it
// has reached.
func TestGrowthFails(t *testing.T) {
	at := newGatekeeper()
	close(at.resume)
	for name, c := range map[string]struct {
		limit   int64
		pages   uint32
		input   int
		client  func(m *Module) caller
		message string
	}{
		"by memory.grow":                    {4 << 20, 1, 100, func(m *Module) caller { return m }, "limits sandbox_memory of 4194304 bytes is used up by all nodes together"},
		"by what its snapshot has":          {4 << 20, 100, 0, func(m *Module) caller { return m }, "limits sandbox_memory of 4194304 bytes is used up by all nodes together"},
		"beyond a workflow's share":         {8 << 20, 1, 105, func(m *Module) caller { return m.For("w") }, "the workflow's share of limits sandbox_memory, three quarters of 8388608 bytes, is used up"},
		"beyond the share, to its snapshot": {8 << 20, 105, 0, func(m *Module) caller { return m.For("w") }, "the workflow's share of limits sandbox_memory, three quarters of 8388608 bytes, is used up"},
		"beyond the node's own, as ever":    {1 << 30, 1, 2000, func(m *Module) caller { return m }, "the memory limit of 67108864 bytes was reached"},
		"and not when there is just enough": {16 << 20, 50, 50, func(m *Module) caller { return m.For("w") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := loadEater(t, Options{}, 0, c.pages)
			m.budget.SetLimit(c.limit)
			before := m.budget.used.Load()
			for range 3 {
				_, err := c.client(m).Call(t.Context(), at.session(), make([]byte, c.input), nil)
				if c.message == "" && err != nil {
					t.Fatal(err)
				}
				if c.message != "" {
					if e := fails(t, err, CodeMemory); e.Message != c.message {
						t.Error(e.Message)
					}
				}
				if left := m.budget.used.Load() - before; left > 1<<20 {
					t.Errorf("%d bytes are counted after the call", left)
				}
			}
		})
	}
}

// Idle instances of one module, and its prepared snapshots, are evicted for calls of another.
func TestIdleMemoryIsEvicted(t *testing.T) {
	b := NewBudget(0)
	h := newHostWith(t, Options{Budget: b})
	code := loadCode(t, h, Limits{})
	big := load(t, h, eater(1).bytes(), Limits{Memory: 64 << 20}, httpGrants)
	at := newGatekeeper()
	close(at.resume)
	var prepared []*Prepared
	for _, source := range []string{`return 1`, `return 2`, `return 3`} {
		p := withSource(t, code, source)
		outcomeOfPrepared(p, `1`)
		prepared = append(prepared, p)
	}
	outcomeOfPrepared(prepared[0], `1`) // so that it was used last
	all := b.used.Load()
	b.SetLimit(all + 5<<20)
	for range 2 {
		if _, err := big.Call(t.Context(), at.session(), make([]byte, 100), nil); err != nil {
			t.Fatal(err)
		}
		// The second call comes after snapshots were evicted; no call is wrong because of that.
		if got := outcomeOfPrepared(prepared[1], `1`); got != "2" {
			t.Error(got)
		}
		if got := outcomeOfPrepared(prepared[0], `1`); got != "1" {
			t.Error(got)
		}
	}
	b.SetLimit(1) // nothing is taken from anybody, but all that is idle goes
	b.reclaim(0)
	if n := len(code.prepared.entries); n != 0 {
		t.Errorf("%d snapshots are left", n)
	}
}

// Memory that a call leaves for the next one of its module is released when another module's call
// waits.
func TestNewlyIdleMemoryGoesToWaiters(t *testing.T) {
	h := newHost(t)
	asks := func(data string) *Module { // the host, and writes next to nothing
		g := node(i32c(dataAt), i32c(1), call(0), drop, returnPacked(abi.Output, dataAt, 1)).
			importing(abi.HostModule, "http", types(tI32, tI32), types(tI32))
		g.data = data
		return load(t, h, g.bytes(), small, httpGrants)
	}
	modules := []*Module{asks("1"), asks("2")}
	b := h.options.Budget
	b.SetLimit(b.used.Load() + max(bytesOfOne(modules[0]), bytesOfOne(modules[1])))
	at := newGatekeeper()
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			s := at.session()
			s.Deadline = time.Now().Add(10 * time.Second)
			if _, err := modules[i%2].Call(t.Context(), s, nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	<-at.entered
	for b.waiting.Load() < 5 && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	close(at.resume)
	all.Wait()
}

// The least recently used snapshot is evicted first, and none with a running call.
func TestTheLeastRecentlyUsedSnapshotIsEvicted(t *testing.T) {
	b := NewBudget(0)
	h := newHostWith(t, Options{Budget: b})
	m := loadCode(t, h, Limits{})
	var all []*Prepared
	for _, source := range []string{`return 1`, `return 2`, `return 3`} {
		all = append(all, withSource(t, m, source))
		outcomeOfPrepared(all[len(all)-1], `1`)
	}
	running, failure := m.prepared.acquire(t.Context(), time.Time{}, all[1], 0)
	if failure != nil {
		t.Fatal(failure)
	}
	m.prepared.evictIdle()
	outcomeOfPrepared(all[0], `1`)
	_, _, least := all[2].Cached()
	if !least || !h.evictLeastUsed() {
		t.Fatal("nothing went")
	}
	for i, want := range []bool{true, true, false} {
		if _, _, ok := all[i].Cached(); ok != want {
			t.Errorf("snapshot %d: %v", i, ok)
		}
	}
	if !h.evictLeastUsed() || h.evictLeastUsed() {
		t.Error("one more could go, and only one")
	}
	running.calls.Leave()
	if !h.evictLeastUsed() {
		t.Error("nobody uses the last one any more")
	}
}

// The snapshot of a node is closed with the last document that uses it.
func TestSnapshotsEndWithTheirDocuments(t *testing.T) {
	m := loadCode(t, newHost(t), Limits{})
	a, b := withSource(t, m, `return 1`), withSource(t, m, `return 1`)
	before := m.budget.used.Load()
	outcomeOfPrepared(a, `1`)
	a.Retain()
	b.Retain()
	a.Release()
	if _, _, ok := b.Cached(); !ok {
		t.Error("it went although another document has it")
	}
	b.Release()
	m.prepared.retiring.Wait()
	m.instances.(registeredPool).reclaim(idleInstances, func() bool { return false })
	if _, _, ok := a.Cached(); ok || m.budget.used.Load() > before {
		t.Errorf("it is still there: %v, %d bytes", ok, m.budget.used.Load()-before)
	}
	if got := outcomeOfPrepared(a, `1`); got != "1" {
		t.Error(got) // an execution that still has the old document
	}
}

// The limit of the latest config is in force until that config ends.
func TestLimitsOfConfigs(t *testing.T) {
	b := NewBudget(1000)
	first, second := b.SetLimit(2000), b.SetLimit(3000)
	for _, step := range []struct {
		end  func()
		want int64
	}{{func() {}, 3000}, {first, 3000}, {second, 1000}} {
		if step.end(); b.Usage().Limit != step.want {
			t.Errorf("%d, want %d", b.Usage().Limit, step.want)
		}
	}
}

// Shares of workflows without users are removed once they are as many as those in use.
func TestUnusedSharesAreRemoved(t *testing.T) {
	b := NewBudget(0)
	used := b.Share("w")
	for i := range 10_000 {
		if i%minShares == 0 {
			runtime.GC()
		}
		b.Share(strconv.Itoa(i))
	}
	if n := len(b.shares); n > 4*minShares {
		t.Errorf("%d shares are left", n)
	}
	if b.Share("w") != used {
		t.Error("a workflow has two shares")
	}
	runtime.KeepAlive(used)
}

// Memory that wazero uses for an instance counts. Tables that can grow count with their maximum.
func TestTablesAndStacksCount(t *testing.T) {
	at := func(g guest) int64 {
		m := load(t, newHost(t), g.bytes(), small, hostapi.Grants{})
		switch from := m.instances.(type) {
		case registeredPool:
			return from.footprint(nil).bytes
		case freshInstances:
			return from.footprint(nil).bytes
		}
		return 0
	}
	table := says(abi.Output, "1")
	table.tables = [][]byte{{0x70, 0x00, 0x80, 0x80, 0x04}} // 65,536 elements
	growing := node(tableGrow(1), drop, returnPacked(abi.Output, dataAt, 1))
	growing.tables, growing.data = [][]byte{{0x70, 0x00, 0x01}}, "1"
	plain := at(says(abi.Output, "1"))
	if n := at(table) - plain; n < 65_536*8 {
		t.Errorf("a table of 65,536 elements counts %d", n)
	}
	if n := at(growing) - plain; n < 262_144*8 {
		t.Errorf("a table that can grow counts %d", n)
	}

	m := load(t, newHost(t), endless()["a value"].bytes(), small, hostapi.Grants{})
	m.budget.SetLimit(m.budget.used.Load() + 4<<20)
	_, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
	if e := new(Error); !errors.As(err, &e) || e.Code != CodeMemory && e.Code != CodeTrap {
		t.Error(err)
	}
}

// Stacks that calls have left behind count until they are collected. A call that needs the memory
// triggers that.
func TestGarbageCounts(t *testing.T) {
	const limit = 256 << 20
	m := load(t, newHostWith(t, Options{Budget: NewBudget(limit)}), endless()["a value"].bytes(), small, hostapi.Grants{})
	for m.budget.garbage.Load() < limit/16+64<<20 {
		_, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
		fails(t, err, CodeTrap)
	}
	most := int64(limit) - m.budget.used.Load()
	if m.budget.take(most) {
		t.Error("what garbage takes was given to others")
	}
	if !m.budget.takeEvicting(most) || m.budget.garbage.Load() != 0 {
		t.Errorf("%d bytes of garbage are left", m.budget.garbage.Load())
	}
	m.budget.give(most)
}

// TestGivingUpKeepsTheTurn checks that a workflow does not lose its turn when one of its calls
// stops waiting: it was granted nothing.
func TestGivingUpKeepsTheTurn(t *testing.T) {
	m := load(t, newHost(t), says(abi.Output, "1").bytes(), small, hostapi.Grants{})
	b, need := m.budget, bytesOfOne(m)
	rest := b.limit.Load() - b.used.Load()
	if !b.take(rest) { // nothing is free any more
		t.Fatal("the budget is full")
	}
	wait := func(workflow string) *waiter {
		w := &waiter{b.Share(workflow), nil, need, make(chan grant, 1)}
		b.enqueue(w)
		return w
	}
	first, second, other := wait("first"), wait("first"), wait("other")
	b.dequeue(second)
	b.give(need)
	b.serve()
	if len(first.granted) != 1 || len(other.granted) != 0 {
		t.Errorf("granted: %d to the workflow whose turn it was, %d to the other", len(first.granted), len(other.granted))
	}
	b.dequeue(first)
	b.dequeue(other)
	b.give(rest - need)
}

// A grant that arrives just when its call has given up goes to others.
func TestGivingUpAfterTheGrant(t *testing.T) {
	m := load(t, newHost(t), says(abi.Output, "1").bytes(), small, hostapi.Grants{})
	b, p, share := m.budget, m.instances.(registeredPool).pool, m.budget.Share("w")
	for name, begin := range map[string]func(){
		"memory":      func() { p.reclaim(idleInstances, func() bool { return false }) },
		"an instance": func() { _, _ = m.Call(t.Context(), new(hostapi.Session), nil, nil) },
	} {
		begin()
		used, live := b.used.Load(), p.live.Load()
		w := &waiter{share, p, bytesOfOne(m), make(chan grant, 1)}
		b.enqueue(w)
		b.serve()
		if len(w.granted) != 1 || share.used.Load() == 0 {
			t.Fatalf("%s was not granted", name)
		}
		b.dequeue(w)
		if share.used.Load() != 0 || b.used.Load() != used {
			t.Errorf("%s: %d bytes are counted for the workflow, %d in all, before %d", name, share.used.Load(), b.used.Load(), used)
		}
		in := p.take()
		if (in != nil) != (live == 1) {
			t.Errorf("%s: there is an instance: %v", name, in != nil)
		}
		if in != nil {
			p.put(in)
		}
	}
}
