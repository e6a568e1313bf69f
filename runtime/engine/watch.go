package engine

import (
	"slices"
	"time"
)

// Watcher watches the nodes of one execution, apart from the trigger. Its methods are called with
// the execution's lock held, in the order in which things happen: they must be fast, and must not
// call methods of the execution that wait for that lock.
type Watcher interface {
	// NodeStarted is called when a node begins to run.
	NodeStarted(node int, at time.Time)
	// NodeEnded is called when the result of a node is known, also of one that does not run. The
	// result must not be changed, and only its Output and Err may be retained.
	NodeEnded(node int, r *NodeResult)
}

// Watch makes w the watcher of the execution from now on.
func (x *Execution) Watch(w Watcher) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.watcher = w
}

// Nodes returns the results of the nodes so far, by plan order. A node without a result has the
// state NotRun, with the time at which it has Started if it runs.
func (x *Execution) Nodes() []NodeResult {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.results)
}

// begin notes that a node begins to run.
func (x *Execution) begin(n int, at time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.results[n].Started = at
	if x.watcher != nil {
		x.watcher.NodeStarted(n, at)
	}
}

// store stores the result of a node. The caller holds the lock.
func (x *Execution) store(n int, r *NodeResult) {
	known := x.results[n].State != NotRun // and its checkpoint has failed
	x.results[n] = *r
	if x.watcher != nil && n > 0 && r.State != NotRun && !known {
		x.watcher.NodeEnded(n, &x.results[n])
	}
}
