package engine

import (
	"time"

	"github.com/flowtrux/edge/runtime/flow"
)

// Observer hears of executions, for metrics and records. Implementations are safe for concurrent
// use and fast: they are called on the goroutines that run the workflow. Embed NopObserver to hear
// of some things only.
type Observer interface {
	// ExecutionStarted is called when a run begins.
	ExecutionStarted(p *flow.Plan, id string)
	// NodeEnded is called for each node that ran, with the time all its attempts and items took
	// together. err is why it failed, handled or not; nil when it did not.
	NodeEnded(p *flow.Plan, id string, node int, typ string, d time.Duration, err *NodeError)
	// ExecutionEnded is called when a run has ended. An execution whose lease is given back will
	// run again.
	ExecutionEnded(p *flow.Plan, r *Result)
}

// NopObserver is an Observer that does nothing.
type NopObserver struct{}

// ExecutionStarted implements Observer.
func (NopObserver) ExecutionStarted(*flow.Plan, string) {}

// NodeEnded implements Observer.
func (NopObserver) NodeEnded(*flow.Plan, string, int, string, time.Duration, *NodeError) {}

// ExecutionEnded implements Observer.
func (NopObserver) ExecutionEnded(*flow.Plan, *Result) {}
