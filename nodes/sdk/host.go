package sdk

import "github.com/flowtrux/edge/nodes/abi"

// Host is the other side of HTTP, Log and SetGlobal where there is no sandbox: in tests.
type Host interface {
	HTTP(request []byte) (response []byte, err error)
	Log(level int, message string)
	SetGlobal(key string, value []byte) error
}

// GlobalHost is what a Host has, too, whose test reads globals or adds to them.
type GlobalHost interface {
	Global(key string) (value []byte, err error) // nil = there is none
	AddGlobal(key string, by int64) (sum int64, err error)
}

// WithHost returns a new context for calling a node's function in a test; of c it takes nothing. Without a host, HTTP and
// SetGlobal fail with an error and Log does nothing.
func (c *Context) WithHost(h Host) *Context { return &Context{host: h} }

// HTTP does a request through the host's guarded client; it needs the capability http. The request
// is JSON like the config of the built-in http-request node:
// {"method","url","headers","query","body","timeout","followRedirects"}, where only url is
// required. The response is {"status","headers","body"}, and "encoding":"base64" when the body is
// neither JSON nor text. An answer of any status is a response. The response is the caller's. An
// error that is not Fatal, returned after an answer with Retry-After and a status such as 429, is
// retried when the server wants it.
func HTTP(ctx *Context, request []byte) (response []byte, err error) {
	if ctx.idle {
		return nil, Fatal("http_not_available", "http is not available while the module is loaded")
	}
	return hostHTTP(ctx, request)
}

// Log writes a line to the node's log; it needs the capability log. Levels are Debug to Err.
func Log(ctx *Context, level int, message string) {
	if !ctx.idle {
		hostLog(ctx, level, message)
	}
}

// SetGlobal stores a global value, raw JSON, before the nodes that follow start; it needs the capability globals and a key that
// the operator's globals_write allows.
func SetGlobal(ctx *Context, key string, value []byte) error {
	if ctx.idle {
		return nil
	}
	return hostSetGlobal(ctx, key, value)
}

// Global reads a global value, raw JSON, nil when there is none; it needs the capability globals. Secret ones, whose keys begin with
// __secret, are refused. The value is as it is now: for a value that a workflow names, a template in the config is the better way.
func Global(ctx *Context, key string) (value []byte, err error) {
	if ctx.idle {
		return nil, nil
	}
	value, err = hostGlobal(ctx, key)
	if len(value) == 0 {
		return nil, err
	}
	return value, nil
}

// AddGlobal adds to a global value that is an integer, 0 when there is none, and returns the sum; it needs what SetGlobal needs. Additions
// that are made at the same time, here or on other servers, are all counted. A call that is made again adds again.
func AddGlobal(ctx *Context, key string, by int64) (sum int64, err error) {
	if ctx.idle {
		return by, nil
	}
	return hostAddGlobal(ctx, key, by)
}

// unpackHeld reads an answer that was taken from the host: its kind, then its payload.
func unpackHeld(b []byte) ([]byte, error) {
	kind, payload := abi.Kind(b[0]), b[1:]
	if kind == abi.Output {
		return payload, nil
	}
	code, message, ok := abi.SplitLabel(payload)
	if !ok {
		return nil, Fatal("host_error", "the host's answer is cut short")
	}
	return nil, &Error{Code: string(code), Message: string(message), Fatal: kind == abi.Fatal}
}
