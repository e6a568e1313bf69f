package engine

// lanes are the workflows of which the executor has claimed executions, or claims none for now, by
// id. The executor's lock guards them.
type lanes map[string]*lane

// lane is one of them.
type lane struct {
	claimed int // executions that were claimed and have not ended
	waiting int // of them those that have no slot yet

	// narrow means that the workflow's limit has held one back: from then on one at a time waits
	// for a slot, as claiming reads all that the execution has, in vain when it goes back.
	narrow   bool
	held     bool          // nothing of it is claimed until there is room
	excepted bool          // from the claim that was made last
	last     chan struct{} // closed when what was claimed last stands in line for a slot
}

// closed tells whether nothing of the workflow is to be claimed now, when it may have so many
// claimed executions.
func (l *lane) closed(most int) bool {
	return l.held || l.claimed >= most || l.narrow && l.waiting > 0
}

// of is the lane of a workflow, a new one if it has none.
func (all lanes) of(workflow string) *lane {
	l := all[workflow]
	if l == nil {
		l = new(lane)
		all[workflow] = l
	}
	return l
}

// drop forgets a lane that is not needed any more.
func (all lanes) drop(workflow string) {
	if l := all[workflow]; l != nil && l.claimed == 0 && !l.held {
		delete(all, workflow)
	}
}

// except appends the workflows of which nothing is to be claimed now.
func (all lanes) except(dst []string, most int) []string {
	for workflow, l := range all {
		if l.excepted = l.closed(most); l.excepted {
			dst = append(dst, workflow)
		}
	}
	return dst
}
