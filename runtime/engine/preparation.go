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

// Preparation gets at what the nodes of one version of a document need: modules that are loaded,
// and prepared. It is the flow.Types and flow.Preparer that the document is compiled against,
// within a budget of fuel for all of its nodes.
//
// Neither may take longer than the caller has time for. So a document is compiled in rounds, each
// begun with [Preparation.Begin]. What could not be had in a round leaves the Preparation
// unfinished, and the errors of that round mean nothing; the next one finds what the ones before
// have prepared. One goroutine uses it at a time.
type Preparation struct {
	nodes  *Nodes
	budget uint64
	known  map[preparedKey]prepareResult
	failed map[string]error // loads that failed, by type

	// Of the round.
	ctx      context.Context // nil = only what is there is used
	fuelUsed uint64
	memory   int64                // bytes that the images of the nodes take
	counted  map[preparedKey]bool // in memory
	missing  []string             // types that are not loaded
	stopped  bool                 // something would have to be prepared yet
	full     error                // why: others have the memory for it; nil = they do not
}

// preparedKey is what a module's answer depends on.
type preparedKey struct {
	typ   string
	fixed [sha256.Size]byte
}

// prepareResult is what a module has answered to the fixed part of a config.
type prepareResult struct {
	reads   []string
	refused bool
	reason  string // why it is refused
	fuel    uint64
	memory  int64
}

// Preparation begins the compilation of a document whose nodes may burn so much fuel together to be
// prepared.
func (n *Nodes) Preparation(fuel uint64) *Preparation {
	return &Preparation{nodes: n, budget: fuel, known: make(map[preparedKey]prepareResult), failed: make(map[string]error)}
}

// Compile calls compile, such as flow.Compile of a document, until it has all node types that it
// asks for. It loads and prepares them until ctx ends; the nodes of the document may burn so much
// fuel together to be prepared. The error is that of compile, or ctx's, or it has a
// *sandbox.BudgetFullError: others had the memory for so long.
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

// loadMissing loads what the round has missed, side by side.
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

// Begin begins a round. Nodes are prepared until ctx ends; with nil only what was prepared before,
// and is kept, is used.
func (p *Preparation) Begin(ctx context.Context) {
	p.ctx, p.fuelUsed, p.missing, p.stopped, p.full = ctx, 0, nil, false, nil
	p.memory, p.counted = 0, make(map[preparedKey]bool)
}

// Unfinished reports whether the round has come to no result: types are missing, its time was over,
// or others had the memory that it takes.
func (p *Preparation) Unfinished() bool { return p.stopped || len(p.missing) > 0 }

// Missing are the types that the round has found not loaded.
func (p *Preparation) Missing() []string { return p.missing }

// Prepared is how many nodes have been prepared so far, those with the same fixed part counted
// once.
func (p *Preparation) Prepared() int { return len(p.known) }

// Failed notes that a missing type cannot be loaded, which is an error of the document from the
// next round on. A type for which others had the memory stays missing.
func (p *Preparation) Failed(name string, err error) {
	if budgetFull(err) != nil {
		p.full = err
		return
	}
	p.failed[name] = err
}

// budgetFull finds in an error that others had the memory; nil = they are not the reason.
func budgetFull(err error) (full *sandbox.BudgetFullError) {
	errors.As(err, &full)
	return full
}

// errUnfinished is the error of a round that is given up.
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
	// what was stored before serves, and its images go when others are needed
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
	if !p.counted[key] { // nodes with the same fixed part share an image
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

// prepareNode has a module prepared, with the fuel that is left. All images of the document may
// take most bytes.
func (p *Preparation) prepareNode(module *sandbox.Prepared, most int64) (prepareResult, error) {
	r, fuel, ok := module.Cached()
	if !ok {
		left := p.budget - p.fuelUsed
		switch {
		case p.ctx == nil:
			p.stopped = true
			return prepareResult{}, errUnfinished
		case p.ctx.Err() != nil: // nothing is begun any more, however fast it may be
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
