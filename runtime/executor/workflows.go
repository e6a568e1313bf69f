package executor

// workflows holds, by ID, the workflows that have claimed executions or are paused. The executor's
// lock guards it.
type workflows map[string]*workflow

type workflow struct {
	claimed int // executions that were claimed and have not ended
	waiting int // of these, the ones without a slot

	// oneByOne means that the workflow's own limit has kept an execution waiting. From then on one
	// execution at a time waits for a slot. A claim reads all of an execution's data, in vain if it
	// is released.
	oneByOne bool
	paused   bool          // not claimed until there is room
	excepted bool          // from the latest claim
	last     chan struct{} // closed when the latest claimed one is in the queue for slots
}

// full reports whether no execution of the workflow may be claimed now, given its limit of claimed
// executions.
func (w *workflow) full(most int) bool {
	return w.paused || w.claimed >= most || w.oneByOne && w.waiting > 0
}

// get returns a workflow and adds it if necessary.
func (all workflows) get(id string) *workflow {
	w := all[id]
	if w == nil {
		w = new(workflow)
		all[id] = w
	}
	return w
}

// drop removes a workflow that is no longer needed.
func (all workflows) drop(id string) {
	if w := all[id]; w != nil && w.claimed == 0 && !w.paused {
		delete(all, id)
	}
}

// appendFull appends the workflows that are full.
func (all workflows) appendFull(dst []string, most int) []string {
	for id, w := range all {
		if w.excepted = w.full(most); w.excepted {
			dst = append(dst, id)
		}
	}
	return dst
}
