//go:build !wasip1

package sdk

import "errors"

// errNoHost is what effects answer in a test that gives no host.
var errNoHost = errors.New("sdk: no host: call the node with a context from WithHost")

// errNoGlobalHost is what they answer when the host cannot do this.
var errNoGlobalHost = errors.New("sdk: the host of this test has no globals: give WithHost one that is a GlobalHost")

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
