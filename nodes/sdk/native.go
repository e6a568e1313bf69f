//go:build !wasip1

package sdk

import "errors"

// errNoHost is what effects answer in a test that gives no host.
var errNoHost = errors.New("sdk: no host: call the node with a context from WithHost")

func hostLog(ctx *Context, level int, message string) {
	if ctx.host != nil {
		ctx.host.Log(level, message)
	}
}

func hostHTTP(ctx *Context, request []byte) ([]byte, error) {
	if ctx.host == nil {
		return nil, errNoHost
	}
	return ctx.host.HTTP(request)
}

func hostSetGlobal(ctx *Context, key string, value []byte) error {
	if ctx.host == nil {
		return errNoHost
	}
	return ctx.host.SetGlobal(key, value)
}
