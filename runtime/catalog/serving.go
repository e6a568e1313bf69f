package catalog

// serve records the program that now serves a workflow. Prepared snapshots that only the previous
// program used are released, also if the workflow is gone. The caller holds the lock.
func (c *Catalog) serve(id string) {
	before, now := c.serving[id], c.current.Load().workflow(id).program()
	if now == before {
		return
	}
	if now != nil { // first, so that snapshots that both use stay prepared
		now.Serve()
		c.serving[id] = now
	} else {
		delete(c.serving, id)
	}
	if before != nil {
		before.Retire()
	}
}
