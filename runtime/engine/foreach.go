package engine

import (
	"context"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/trace"
)

// forEach is one run of a node with forEach. Its items begin in order.
type forEach struct {
	x      *Execution
	node   int
	values [][]byte

	mu   sync.Mutex
	next int // the item that begins next
	// the lowest item that failed; later ones are canceled. Initially the number of items
	end      int
	failure  *NodeError                 // of item end
	running  map[int]context.CancelFunc // by item
	outputs  [][]byte
	size     int // bytes of outputs
	attempts int
	fuel     uint64
}

// runForEach runs a node for each item of its forEach. The items are resolved within the node's
// timeout, which begins at now.
func (x *Execution) runForEach(n int, now time.Time) (a itemResult) {
	defer func() {
		if p := recover(); p != nil {
			a.err = x.panicked(n, p)
		}
	}()
	node := &x.program.Plan.Nodes[n]
	scope := x.Scope()
	r := x.resolver(&x.life, x.timeout(n), now)
	defer r.release()
	list, err := r.resolve(node.ForEach, &scope, math.MaxInt)
	x.trace.AddGlobals(n, &scope)
	if err != nil {
		return itemResult{err: err}
	}
	defer x.memory.release(len(list))
	values, err := x.split(list)
	if err != nil {
		return itemResult{err: err}
	}
	s := &forEach{
		x: x, node: n, values: values, end: len(values),
		running: make(map[int]context.CancelFunc), outputs: make([][]byte, len(values)),
	}
	var workers sync.WaitGroup
	for range min(node.Concurrency, len(values)) - 1 {
		workers.Go(s.work)
	}
	s.work()
	workers.Wait()
	x.trace.SetItems(n, s.next)
	return s.result()
}

// split returns the items of an array, as subslices of list.
func (x *Execution) split(list []byte) (values [][]byte, err *NodeError) {
	if rawjson.KindOf(list) != rawjson.Array {
		return nil, finalError(CodeForEachNotArray, "forEach did not give an array")
	}
	limit := x.engine.config.Limits.ForEachItems
	rawjson.Elements(list, func(v []byte) bool {
		values = append(values, v)
		return len(values) <= limit
	})
	if len(values) > limit {
		return nil, finalError(CodeForEachTooMany, "forEach gave more than "+strconv.Itoa(limit)+" items")
	}
	return values, nil
}

// work runs items until none is left to begin.
func (s *forEach) work() {
	scope := s.x.Scope()
	defer s.x.trace.AddGlobals(s.node, &scope)
	for {
		i, ctx, ok := s.begin()
		if !ok {
			return
		}
		scope.Item, scope.Index = s.values[i], i
		s.finish(i, s.x.runItem(ctx, trace.CallID{Node: s.node, Item: i}, &scope, s.x.engine.config.Clock()))
	}
}

// begin returns the next item, if there is one, with a context that ends when the item is canceled.
func (s *forEach) begin() (i int, ctx context.Context, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next >= s.end {
		return 0, nil, false
	}
	i = s.next
	s.next++
	ctx, cancel := context.WithCancel(&s.x.life)
	s.running[i] = cancel
	return i, ctx, true
}

// finish stores the result of an item. If the item failed, later items are canceled.
func (s *forEach) finish(i int, a itemResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[i]()
	delete(s.running, i)
	s.attempts += a.attempts
	s.fuel += a.fuel
	if a.err == nil {
		s.outputs[i] = a.output
		s.size += len(a.output)
		if s.size+len("[]")+i > s.x.outputLimit() { // a comma before each item but the first
			a.err = finalError(CodeOutputTooLarge, "the outputs of all items together are too large")
		}
	}
	if a.err == nil || i >= s.end {
		return
	}
	s.end, s.failure = i, a.err
	for j, cancel := range s.running {
		if j > i {
			cancel()
		}
	}
}

// result joins the outputs once all items have ended. The memory counted for them is counted for
// the array instead.
func (s *forEach) result() itemResult {
	s.x.memory.release(s.size)
	if err := s.failure; err != nil {
		named := *err
		named.Message = s.x.secrets.Line("item "+strconv.Itoa(s.end)+": "+err.Message, hostapi.MaxMessage)
		return itemResult{attempts: s.attempts, fuel: s.fuel, err: &named}
	}
	array := make([]byte, 0, s.size+len(s.outputs)+len("[]"))
	array = append(array, '[')
	for i, output := range s.outputs {
		if i > 0 {
			array = append(array, ',')
		}
		array = append(array, output...)
	}
	array = append(array, ']')
	if !s.x.memory.reserve(len(array)) {
		return itemResult{attempts: s.attempts, fuel: s.fuel, err: finalError(CodeExecutionMemory, "the execution holds too much data")}
	}
	return itemResult{output: array, attempts: s.attempts, fuel: s.fuel}
}
