package sdk

// Invoke calls a function with an input, with nothing granted, and packs its result for the host.
// It is for packages that export more of the ABI, such as package prepared. The SDK itself calls a
// node's own function.
func Invoke(run Func, input []byte) uint64 {
	ctx := Context{idle: true}
	out, err := call(&Node{Run: run}, &ctx, input)
	return export(pack(nil, &ctx, out, err))
}
