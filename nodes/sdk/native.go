//go:build !wasip1

package sdk

import "errors"

// errNoHost is the error of effects in a test that passes no host.
var errNoHost = errors.New("sdk: no host: call the node with a context from WithHost")

// errNoGlobalHost is the error of effects on globals when the host has none.
var errNoGlobalHost = errors.New("sdk: the host of this test has no globals: pass a GlobalHost to WithHost")

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

func hostGlobal(ctx *Context, key string) ([]byte, error) {
	h, ok := ctx.host.(GlobalHost)
	if !ok {
		return nil, errNoGlobalHost
	}
	return h.Global(key)
}

func hostAddGlobal(ctx *Context, key string, by int64) (int64, error) {
	h, ok := ctx.host.(GlobalHost)
	if !ok {
		return 0, errNoGlobalHost
	}
	return h.AddGlobal(key, by)
}

func hostSetGlobal(ctx *Context, key string, value []byte) error {
	if ctx.host == nil {
		return errNoHost
	}
	return ctx.host.SetGlobal(key, value)
}
