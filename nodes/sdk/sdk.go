// Package sdk is what a node written in Go imports. A node is one function from its config to its output, both JSON:
//
//	package main
//
//	import (
//		"strings"
//
//		"github.com/flowtrux/edge/nodes/sdk"
//		"github.com/flowtrux/edge/nodes/sdk/typed"
//	)
//
//	type In struct{ Text string }
//	type Out struct{ Text string `json:"text"` }
//
//	func shout(ctx *sdk.Context, in In) (Out, error) {
//		return Out{strings.ToUpper(in.Text)}, nil
//	}
//
//	var _ = sdk.Register(sdk.Node{Type: "shout", Version: "1.0.0", Run: typed.Func(shout)})
//
//	func main() {} // never called
//
// and is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags="-s -w" -o shout.wasm .
//
// The config reaches the node with all templates resolved. Each call runs in the state that the module had when it was
// loaded: what a call leaves in globals is gone after it. Calls are made one at a time.
//
// What a node may do beyond computing has to be granted by the operator: see [HTTP], [Log], [SetGlobal], [Global] and [AddGlobal]. Outside of a
// sandbox (plain go test) these go to the [Host] that a test gives with [Context.WithHost].
package sdk

// Func is a node's work: from its config, compact JSON, to its output, one JSON value. config is the node's until it returns,
// and the output may be a part of it. An error fails the node: see [Error].
type Func func(ctx *Context, config []byte) (output []byte, err error)

// Node describes a node and does its work. Type, Version and Run are required.
type Node struct {
	Type    string // the name under which workflows use it, if the operator agrees
	Version string
	Summary string // one line

	// Config is the JSON Schema (2020-12) of the config: workflows that do not fit it are refused when they are
	// stored. "" = any object. Where a workflow has a template the schema is checked against nothing, so Run must
	// expect any JSON there.
	Config string

	// Handles are what Run may choose with Context.Route; HandlesFrom is where the config names more, such as
	// cases[].name. Edges from a node with either must say which handle they follow.
	Handles     []string
	HandlesFrom string

	// Defaults are config keys that are added where a workflow leaves them out.
	Defaults []Default

	// Fixed are config keys that hold no templates, for a Run of package prepared.
	Fixed []string

	// Capabilities the node cannot do without, of: http, log, clock, random, globals.
	Capabilities []string

	// SecretHandles asks for handles in the place of secrets: where a template names a __secret global, the config has a text that means
	// nothing, and HTTP puts the secret in its place wherever it stands in a request. The node never has the secret's text. One that
	// needs it, to encode or to sign something, does not ask for this.
	SecretHandles bool

	Run Func

	// Warmup are configs of the shape and size that calls will have. Run gets each of them a few times when the module is loaded, with
	// nothing granted, and errors are ignored. A call may or may not see what that has left: it must not depend on it.
	Warmup []string
}

// Default is a config key and the JSON value it has where a workflow lacks it. With names another key: the default is only
// for configs that have that one.
type Default struct {
	With, Key, Value string
}

// Context is one call. It must not be kept after Run has returned.
type Context struct {
	handle string
	routed bool
	idle   bool // a warm-up call: nothing has an effect
	host   Host
}

// Route chooses the handle whose edges are followed, of a node with handles; the last choice counts.
func (c *Context) Route(handle string) { c.handle, c.routed = handle, true }

// Routed tells the handle that Route chose, for tests.
func (c *Context) Routed() (handle string, ok bool) { return c.handle, c.routed }

// Error is a failure with a code. Other errors fail the node with the code node_failed. The first line of the message can
// reach senders and records: it must not hold secrets.
type Error struct {
	Code    string
	Message string
	Fatal   bool // another attempt cannot mend it: it is not retried
}

func (e *Error) Error() string { return e.Message }

// Fail makes an error that the node's retry rule applies to.
func Fail(code, message string) error { return &Error{Code: code, Message: message} }

// Fatal makes an error that is not retried.
func Fatal(code, message string) error { return &Error{Code: code, Message: message, Fatal: true} }

// Levels of Log.
const (
	Debug = 0
	Info  = 1
	Warn  = 2
	Err   = 3
)
