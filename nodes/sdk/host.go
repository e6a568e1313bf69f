package sdk

import "github.com/flowtrux/edge/nodes/abi"

// Host implements HTTP, Log and SetGlobal where there is no sandbox: in tests.
type Host interface {
	HTTP(request []byte) (response []byte, err error)
	Log(level int, message string)
	SetGlobal(key string, value []byte) error
}

// GlobalHost is implemented by a Host for tests of nodes that read globals or add to them.
type GlobalHost interface {
	Global(key string) (value []byte, err error) // nil = there is none
	AddGlobal(key string, by int64) (sum int64, err error)
}

// WithHost returns a new context for calling a node's function in a test; it takes nothing from c.
// Without a host, HTTP and SetGlobal return an error and Log does nothing.
func (c *Context) WithHost(h Host) *Context { return &Context{host: h} }

// HTTP sends a request through the host's guarded client. It needs the capability http. The request
// is JSON like the config of the built-in http-request node:
// {"method","url","headers","query","body","timeout","followRedirects"}, where only url is
// required. The response is {"status","headers","body"}, with "encoding":"base64" when the body is
// neither JSON nor text. A response of any status is not an error. The caller owns the response.
//
// After a response with Retry-After and a status such as 429, an error that is not Fatal is retried
// at the time that the server asks for.
func HTTP(ctx *Context, request []byte) (response []byte, err error) {
	if ctx.idle {
		return nil, Fatal("http_not_available", "http is not available while the module is loaded")
	}
	return hostHTTP(ctx, request)
}

// Log writes a line to the node's log. It needs the capability log. Levels are Debug to Err.
func Log(ctx *Context, level int, message string) {
	if !ctx.idle {
		hostLog(ctx, level, message)
	}
}

// SetGlobal stores a global value, raw JSON, before the nodes that follow start. It needs the
// capability globals and a key that the operator's globals_write allows.
func SetGlobal(ctx *Context, key string, value []byte) error {
	if ctx.idle {
		return nil
	}
	return hostSetGlobal(ctx, key, value)
}

// Global returns the current value of a global, raw JSON, or nil when there is none. It needs the
// capability globals. Secret globals, whose keys begin with __secret, are rejected. For a value
// that a workflow names, a template in the config is the better way.
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

// AddGlobal adds to a global that is an integer, or to 0 when there is none, and returns the sum.
// It needs what SetGlobal needs. Concurrent additions, here or on other servers, are all counted. A
// retried call adds again.
func AddGlobal(ctx *Context, key string, by int64) (sum int64, err error) {
	if ctx.idle {
		return by, nil
	}
	return hostAddGlobal(ctx, key, by)
}

// unpackReply splits a reply of the host: its kind, then its payload.
func unpackReply(b []byte) ([]byte, error) {
	kind, payload := abi.Kind(b[0]), b[1:]
	if kind == abi.Output {
		return payload, nil
	}
	code, message, ok := abi.SplitLabel(payload)
	if !ok {
		return nil, Fatal("host_error", "the host's reply is truncated")
	}
	return nil, &Error{Code: string(code), Message: string(message), Fatal: kind == abi.Fatal}
}
