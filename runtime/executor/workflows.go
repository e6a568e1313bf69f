package executor

// workflows are the workflows of which executions are claimed, or none for now, by id. The
// executor's lock guards them.
type workflows map[string]*workflow

type workflow struct {
	claimed int // executions that were claimed and have not ended
	waiting int // of them those that have no slot yet

	// oneByOne means that the workflow's own limit has kept an execution waiting: from then on one
	// at a time waits for a slot. Claiming reads all that an execution has, in vain when it goes
	// back.
	oneByOne bool
	paused   bool          // nothing of it is claimed until there is room
	excepted bool          // from the claim that was made last
	last     chan struct{} // closed when what was claimed last is in the queue for slots
}

// full reports whether nothing of the workflow is to be claimed now, when it may have so many
// claimed executions.
func (w *workflow) full(most int) bool {
	return w.paused || w.claimed >= most || w.oneByOne && w.waiting > 0
}

// get returns a workflow, a new one if it is not there.
func (all workflows) get(id string) *workflow {
	w := all[id]
	if w == nil {
		w = new(workflow)
		all[id] = w
	}
	return w
}

// drop forgets a workflow that is not needed any more.
func (all workflows) drop(id string) {
	if w := all[id]; w != nil && w.claimed == 0 && !w.paused {
		delete(all, id)
	}
}

// appendFull appends the workflows of which nothing is to be claimed now.
func (all workflows) appendFull(dst []string, most int) []string {
	for id, w := range all {
		if w.excepted = w.full(most); w.excepted {
			dst = append(dst, id)
		}
	}
	return dst
}
