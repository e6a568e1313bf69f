package sdk

// Answer calls a function with an input, with nothing granted, and packs what it answers for the host. It is for packages that export more
// of the ABI, as package prepared does; a node's own function is called by this one.
func Answer(run Func, input []byte) uint64 {
	ctx := Context{idle: true}
	out, err := call(&Node{Run: run}, &ctx, input)
	return export(pack(nil, &ctx, out, err))
}
