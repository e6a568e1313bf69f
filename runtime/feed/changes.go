package feed

// maxChanges limits the changes that wait for the next flush. More of them restart the feed.
const maxChanges = 4096

// Workflow is a workflow in an event.
type Workflow struct {
	ID       string `json:"id"`
	Revision int64  `json:"revision,omitempty"` // of its newest document
	State    string `json:"state,omitempty"`    // as the API shows it
	Deleted  bool   `json:"deleted,omitempty"`
}

// Secret is the secret of a workflow in an event.
type Secret struct {
	ID      string `json:"id"` // the workflow's
	Deleted bool   `json:"deleted,omitempty"`
}

// Global is a global in an event.
type Global struct {
	Key     string `json:"key"`
	Deleted bool   `json:"deleted,omitempty"`
}

// The events of changes.
type (
	workflowEvent struct {
		head
		Workflow Workflow `json:"workflow"`
	}
	secretEvent struct {
		head
		Secret Secret `json:"secret"`
	}
	globalEvent struct {
		head
		Global Global `json:"global"`
	}
)

// Workflow publishes a change of a workflow. Changes of the same thing are published at most once
// in flushEvery, and then as it is by that time: nodes may write the same global all the time.
func (f *Feed) Workflow(w Workflow) {
	if f.Watched() {
		f.changed(changeKey{KindWorkflow, w.ID}, workflowEvent{headOf(KindWorkflow), w})
	}
}

// Secret publishes a change of a workflow's secret, as Workflow does.
func (f *Feed) Secret(s Secret) {
	if f.Watched() {
		f.changed(changeKey{KindSecret, s.ID}, secretEvent{headOf(KindSecret), s})
	}
}

// Global publishes a change of a global, as Workflow does.
func (f *Feed) Global(g Global) {
	if f.Watched() {
		f.changed(changeKey{KindGlobal, g.Key}, globalEvent{headOf(KindGlobal), g})
	}
}

func (f *Feed) changed(key changeKey, event any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.flush == nil:
		f.publish(encode(event))
		f.flushLater()
	case !f.changes.add(key, event):
		f.restart()
	}
}

// changeKey is what has changed.
type changeKey struct{ kind, id string }

// changes are the latest events by what they are about.
type changes struct {
	order  []changeKey
	events map[changeKey]any
}

// add adds an event, in place of an earlier one of the same key. It returns false if there are too
// many.
func (c *changes) add(key changeKey, event any) bool {
	if _, ok := c.events[key]; !ok {
		if len(c.order) == maxChanges {
			return false
		}
		if c.events == nil {
			c.events = make(map[changeKey]any)
		}
		c.order = append(c.order, key)
	}
	c.events[key] = event
	return true
}

// take removes the events and returns them in the order in which their keys were added.
func (c *changes) take() []any {
	events := make([]any, 0, len(c.order))
	for _, key := range c.order {
		events = append(events, c.events[key])
	}
	*c = changes{}
	return events
}
