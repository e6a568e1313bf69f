package catalog

// serve records the program that now serves a workflow. Nodes that only the previous program had
// prepared are released, also when the workflow is gone. The lock is held.
func (c *Catalog) serve(id string) {
	before, now := c.serving[id], c.current.Load().workflow(id).program()
	if now == before {
		return
	}
	if now != nil { // first: what both have prepared stays
		now.Serve()
		c.serving[id] = now
	} else {
		delete(c.serving, id)
	}
	if before != nil {
		before.Retire()
	}
}
