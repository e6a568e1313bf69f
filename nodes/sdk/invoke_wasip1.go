package sdk

// Invoke calls the function of one of the module's nodes, by its index, with an input and nothing
// granted, and packs its result for the host. It is for packages that export more of the ABI, such
// as package prepared.
func Invoke(typ uint32, input []byte) uint64 {
	ctx := Context{idle: true}
	out, err := call(registered[typ], &ctx, input)
	return export(pack(nil, &ctx, out, err))
}
