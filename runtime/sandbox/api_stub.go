package sandbox

import (
	"context"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// Options of a Host.
type Options struct {
	CacheDir string // of compiled code; "" = in memory only. Only this user may write to it: it holds machine code.
}

// Host compiles and runs modules. One per process; safe for concurrent use.
type Host struct{}

// New makes a Host. It does not touch the disk until the first Load.
func New(o Options) (*Host, error) { panic("stub") }

// Close ends the host; all modules must be closed.
func (h *Host) Close(ctx context.Context) error { panic("stub") }

// Limits of a module's calls.
type Limits struct {
	Memory  uint64        // bytes of linear memory; 0 = 64 MiB
	Timeout time.Duration // wall clock of one call; 0 = none
	Output  int           // bytes of one output; 0 = 1 MiB
}

// ModuleConfig is what Load needs.
type ModuleConfig struct {
	Type   string // the node type, for errors
	Source string // file or name, for errors
	Wasm   []byte // not kept or changed
	Grants hostapi.Grants
	Limits Limits
}

// Load checks, compiles and tries a module: exports and signatures, imports against what is offered and granted,
// one eager instance, describe. The same bytes are compiled once per Host. The error names source and reason.
func (h *Host) Load(ctx context.Context, c ModuleConfig) (*Module, error) { panic("stub") }

// Module is a compiled node. Safe for concurrent use.
type Module struct{}

// Manifest is what describe returned (JSON). The caller must not change it.
func (m *Module) Manifest() []byte { panic("stub") }

// Limits tells the limits the module was loaded with.
func (m *Module) Limits() Limits { panic("stub") }

// Grants tells what the module may do.
func (m *Module) Grants() hostapi.Grants { panic("stub") }

// Result is a call's answer.
type Result struct {
	Kind   abi.Kind
	Label  string // handle (Routed) or error code (Error, Fatal)
	Output []byte // Output, Routed: one valid JSON value; Error, Fatal: the message in UTF-8. Appended to dst.
}

// Call runs the node once in a pristine sandbox. in is read before Call returns and not kept; the output is appended to dst,
// which the caller owns. s must not be nil. An *Error says why there is no answer.
func (m *Module) Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (Result, error) {
	panic("stub")
}

// Close releases the module after its running calls have ended.
func (m *Module) Close(ctx context.Context) error { panic("stub") }

// Error is a call that gave no answer.
type Error struct {
	Code    string // timeout, memory, trap, exit, bad_answer, output_too_large, input_too_large, cancelled
	Message string // fixed text for records and answers
	Detail  error  // stack and the like: for logs only
}

func (e *Error) Error() string { return e.Message }
func (e *Error) Unwrap() error { return e.Detail }
