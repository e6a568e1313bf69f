package catalog

// serve notes which program serves a workflow now. What only the one before had prepared goes with
// it, also when the workflow is gone. The lock is held.
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
