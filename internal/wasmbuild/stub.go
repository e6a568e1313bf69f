package wasmbuild

// StubModule returns a node that gives the same result, a JSON value of less than 4 KiB, to every
// call. It loads at once, for tests of what happens to a module and not of what it does.
func StubModule(result string) []byte {
	// an output, its place and length
	m := Module{Run: I64Const(dataAt<<32 | int64(len(result))), Data: result}
	return m.Bytes()
}
