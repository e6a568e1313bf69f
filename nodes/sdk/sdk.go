// Package sdk is the SDK for nodes in Go. A node is one function from its config to its output,
// both JSON:
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
// The config has all templates resolved. Each call starts in the state that the module had when it
// was loaded: changes to Go variables do not survive the call. Calls are made one at a time.
//
// Everything beyond computing needs a grant of the operator: see [HTTP], [Log], [SetGlobal],
// [Global] and [AddGlobal]. Outside of a sandbox (plain go test) these call the [Host] that a test
// passes to [Context.WithHost].
//
// The package, and the packages below it, are a stable API for node authors.
package sdk

// Func is a node's function: from its config, compact JSON, to its output, one JSON value. config
// belongs to the node until Func returns, and the output may be a part of it. An error fails the
// node, see [Error].
type Func func(ctx *Context, config []byte) (output []byte, err error)

// Node describes a node and has its function. Type, Version and Run are required.
type Node struct {
	Type    string // the name under which workflows use it, if the operator agrees
	Version string
	Summary string // one line

	// Config is the JSON Schema (2020-12) of the config. Workflows that do not match it are
	// rejected when they are stored. "" = any object. Where a workflow has a template, the schema
	// is not checked, so Run must expect any JSON there.
	Config string

	// Handles are the handles that Run may choose with Context.Route. HandlesFrom is a path at
	// which the config names more, such as cases[].name. Edges from a node with either must name
	// the handle that they follow.
	Handles     []string
	HandlesFrom string

	// Defaults are added to a config where it lacks them.
	Defaults []Default

	// Fixed are config keys that hold no templates, for a Run of package prepared.
	Fixed []string

	// Capabilities are those that the node needs, of: http, log, clock, random, globals.
	Capabilities []string

	// SecretReferences asks for secret references instead of secrets: where a template names a
	// __secret global, the config has a meaningless text, and HTTP replaces it with the secret
	// wherever it stands in a request. The node never has the secret itself. A node that encodes or
	// signs a secret needs the secret, and must not set this.
	SecretReferences bool

	Run Func

	// Warmup are configs of the shape and size that calls will have. When the module is loaded, Run
	// gets each of them a few times, with nothing granted; errors are ignored. Calls must not
	// depend on the state that this leaves: they may or may not see it.
	Warmup []string
}

// Default is a config key and its JSON value in workflows that lack it. With names another key: the
// default applies only to configs that have that one.
type Default struct {
	With, Key, Value string
}

// Context is the context of one call. It must not be used after Run has returned.
type Context struct {
	handle string
	routed bool
	idle   bool // a warm-up call: nothing has an effect
	host   Host
}

// Route chooses the handle whose edges are followed, for a node with handles. The last choice
// counts.
func (c *Context) Route(handle string) { c.handle, c.routed = handle, true }

// Routed returns the handle that Route chose, for tests.
func (c *Context) Routed() (handle string, ok bool) { return c.handle, c.routed }

// Error is a failure with a code. Other errors fail the node with the code node_failed. The first
// line of the message can reach senders and records, so it must not hold secrets.
type Error struct {
	Code    string
	Message string
	Fatal   bool // a retry cannot fix it: it is not retried
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Fail returns an error to which the node's retry rule applies.
func Fail(code, message string) error { return &Error{Code: code, Message: message} }

// Fatal returns an error that is not retried.
func Fatal(code, message string) error { return &Error{Code: code, Message: message, Fatal: true} }

// Levels of Log.
const (
	Debug = 0
	Info  = 1
	Warn  = 2
	Err   = 3
)
