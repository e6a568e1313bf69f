package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"sync"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Preparation provides the nodes of one version of a document with modules that are loaded and
// prepared. It is the flow.Types and flow.Preparer that the document is compiled against. All nodes
// of the document share one budget of fuel.
//
// Loading and preparing may take longer than the caller has time for. So a document is compiled in
// rounds, each begun with [Preparation.Begin]. A round that lacks a module leaves the Preparation
// unfinished, and its errors mean nothing. The next round reuses what earlier ones have prepared.
// Only one goroutine may use a Preparation at a time.
type Preparation struct {
	nodes  *Nodes
	budget uint64
	known  map[preparedKey]prepareResult
	failed map[string]error // loads that failed, by type

	// State of the current round.
	ctx      context.Context // nil = nothing new is prepared
	fuelUsed uint64
	memory   int64                // bytes of the nodes' prepared snapshots
	counted  map[preparedKey]bool // in memory
	missing  []string             // types that are not loaded
	stopped  bool                 // some node is not prepared yet
	full     error                // the memory budget is in use by others; nil = it is not
}

// preparedKey identifies a prepareResult: the result depends on nothing else.
type preparedKey struct {
	typ   string
	fixed [sha256.Size]byte
}

// prepareResult is a module's result for a fixed config.
type prepareResult struct {
	reads   []string
	refused bool
	reason  string // why it is rejected
	fuel    uint64
	memory  int64
}

// Preparation begins the compilation of a document. Preparing its nodes may use at most fuel in
// total.
func (n *Nodes) Preparation(fuel uint64) *Preparation {
	return &Preparation{nodes: n, budget: fuel, known: make(map[preparedKey]prepareResult), failed: make(map[string]error)}
}

// Compile calls compile, such as flow.Compile of a document, until all node types that it asks for
// are available. It loads and prepares them until ctx ends. Preparing may use at most fuel in
// total. The error is that of compile, or ctx's cause, or it wraps a *sandbox.BudgetFullError if
// others use the memory.
func (n *Nodes) Compile(ctx context.Context, fuel uint64, compile func(flow.Types) (*flow.Plan, error)) (*flow.Plan, error) {
	p := n.Preparation(fuel)
	for {
		p.Begin(ctx)
		plan, err := compile(p)
		if !p.Unfinished() {
			return plan, err
		}
		p.loadMissing()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case p.full != nil:
			return nil, p.full
		}
	}
}

// loadMissing loads the types that were missing in the round, concurrently.
func (p *Preparation) loadMissing() {
	errs := make([]error, len(p.missing))
	var all sync.WaitGroup
	for i, name := range p.missing {
		all.Go(func() { errs[i] = p.nodes.Load(name) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			p.Failed(p.missing[i], err)
		}
	}
}

// Begin begins a round. Nodes are prepared until ctx ends. If ctx is nil, only prepared snapshots
// that exist are used.
func (p *Preparation) Begin(ctx context.Context) {
	p.ctx, p.fuelUsed, p.missing, p.stopped, p.full = ctx, 0, nil, false, nil
	p.memory, p.counted = 0, make(map[preparedKey]bool)
}

// Unfinished reports whether the round has no result: types are missing, its context ended, or
// others use the memory that it needs.
func (p *Preparation) Unfinished() bool { return p.stopped || len(p.missing) > 0 }

// Missing returns the types that the round found not loaded.
func (p *Preparation) Missing() []string { return p.missing }

// Prepared returns the number of nodes prepared so far. Nodes with the same type and fixed config
// count once.
func (p *Preparation) Prepared() int { return len(p.known) }

// Failed notes that a missing type cannot be loaded. From the next round on that is an error of the
// document. A type that failed because others use the memory stays missing.
func (p *Preparation) Failed(name string, err error) {
	if budgetFull(err) != nil {
		p.full = err
		return
	}
	p.failed[name] = err
}

// budgetFull returns the *sandbox.BudgetFullError in err, or nil.
func budgetFull(err error) (full *sandbox.BudgetFullError) {
	errors.As(err, &full)
	return full
}

// errUnfinished is the error in a round that stays unfinished.
var errUnfinished = errors.New("it is not loaded or prepared yet")

// Type implements flow.Types.
func (p *Preparation) Type(name string) (*flow.Type, error) {
	t, err := p.nodes.loaded(name)
	switch {
	case err != nil:
		return nil, err
	case t != nil:
		return t.Type, nil
	case p.failed[name] != nil:
		return nil, p.failed[name]
	}
	p.missing = append(p.missing, name)
	return nil, errUnfinished
}

// Names implements flow.Types.
func (p *Preparation) Names() []string { return p.nodes.Names() }

// Prepare implements flow.Preparer.
func (p *Preparation) Prepare(name string, fixed []byte) (reads []string, fuel uint64, err error) {
	t, err := p.nodes.loaded(name)
	if err != nil {
		return nil, 0, err
	}
	if t == nil || p.Unfinished() {
		p.stopped = true
		return nil, 0, errUnfinished
	}
	// a stored document serves in any case: its prepared snapshots are evicted if others need the
	// memory
	most := int64(math.MaxInt64)
	if p.budget <= flow.MaxPrepareFuel {
		most = t.module.Budget().DocumentShare()
	}
	key := preparedKey{name, sha256.Sum256(fixed)}
	a, ok := p.known[key]
	if !ok {
		if a, err = p.prepareNode(t.module.NewPrepared(fixed), most); err != nil {
			return nil, 0, err
		}
		p.known[key] = a
	}
	p.fuelUsed += a.fuel
	if !p.counted[key] { // nodes with the same fixed config share a snapshot
		p.counted[key] = true
		p.memory += a.memory
	}
	switch {
	case p.fuelUsed > p.budget:
		return nil, a.fuel, &flow.FuelError{Limit: p.budget}
	case p.memory > most:
		return nil, a.fuel, &flow.MemoryError{Taken: p.memory, Limit: most}
	case a.refused:
		return nil, a.fuel, &flow.PrepareError{Reason: a.reason}
	}
	return a.reads, a.fuel, nil
}

// prepareNode prepares a module with the fuel that is left. The snapshots of the document together
// may take at most most bytes.
func (p *Preparation) prepareNode(module *sandbox.Prepared, most int64) (prepareResult, error) {
	r, fuel, ok := module.Cached()
	if !ok {
		left := p.budget - p.fuelUsed
		switch {
		case p.ctx == nil:
			p.stopped = true
			return prepareResult{}, errUnfinished
		case p.ctx.Err() != nil: // nothing new is begun, however fast it would be
			p.stopped = true
			return prepareResult{}, p.ctx.Err()
		case left == 0:
			return prepareResult{}, &flow.FuelError{Limit: p.budget}
		}
		var err error
		r, fuel, err = module.Prepare(p.ctx, left)
		failure := (*sandbox.Error)(nil)
		switch {
		case err == nil:
		case p.ctx.Err() != nil:
			p.stopped = true
			return prepareResult{}, err
		case errors.As(err, &failure) && failure.Code == sandbox.CodeFuel:
			return prepareResult{}, &flow.FuelError{Limit: p.budget}
		case budgetFull(err) != nil:
			if taken := p.memory + budgetFull(err).Snapshot; taken > most {
				return prepareResult{}, &flow.MemoryError{Taken: taken, Limit: most}
			}
			p.stopped, p.full = true, err
			return prepareResult{}, err
		default:
			return prepareResult{}, err
		}
	}
	a := prepareResult{fuel: fuel, memory: module.Size()}
	if r.Kind != abi.Output {
		a.refused, a.reason = true, string(r.Output)
		return a, nil
	}
	rawjson.Elements(rawjson.Get(r.Output, "reads"), func(v []byte) bool {
		a.reads = append(a.reads, string(rawjson.AppendString(nil, v)))
		return true
	})
	return a, nil
}

// Interface guards
var (
	_ flow.Types    = (*Preparation)(nil)
	_ flow.Preparer = (*Preparation)(nil)
)
