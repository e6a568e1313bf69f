package hostapi

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
)

// HTTPClient does the requests of the http capability. *egress.Client is the one in production.
type HTTPClient interface {
	// Do takes the request's JSON and appends the response's JSON to dst. See egress.Client.Do.
	Do(ctx context.Context, req []byte, o HTTPOptions, dst []byte) ([]byte, error)
}

// HTTPOptions are the host's part of a request.
type HTTPOptions struct {
	Hosts []string // from Grants.HTTPHosts
	// sent as Idempotency-Key on methods other than GET and HEAD unless the request sets it
	IdempotencyKey string
	MaxResponse    int64    // bytes of body
	Secrets        []string // texts in the request that no other origin may get by a redirect
}

// GlobalWriter stores globals; it returns when the value is in the store.
type GlobalWriter interface {
	SetGlobal(ctx context.Context, key string, value []byte) error
	// AddGlobal adds by to an integer, 0 where there is none, and returns the sum, the caller's.
	// Nothing that others add at the same time is lost.
	AddGlobal(ctx context.Context, key string, by int64) (sum []byte, err error)
}

// Globals is the other side of the globals capability.
type Globals interface {
	GlobalWriter
	// GetGlobal returns a global as raw JSON, which nobody changes, nil when there is none. It does
	// not wait.
	GetGlobal(key string) (value []byte, err error)
}

// Bounds of what one call may ask of the host.
const (
	// bytes of log lines, standard output and error together; the rest is dropped
	MaxLogBytes    = 64 << 10
	MaxHTTPCalls   = 100      // requests
	MaxGlobalCalls = 1000     // writes of globals, and as many reads
	MaxHeld        = 64 << 20 // bytes of one held answer
	maxLogLine     = 8 << 10  // bytes; longer lines are cut
	maxRandom      = 16 << 20 // bytes of one random_get
	maxGlobalKey   = 1 << 10  // bytes of a global's key
	lookEvery      = 1 << 20  // bytes that the host handles for a guest until it looks at the time
	bytesPerFuel   = 16       // bytes that the host handles for a unit of fuel, as memory.copy does
	maxKept        = 64 << 10 // bytes of a held answer's buffer that the next call uses again
	defaultHTTP    = 8 << 20  // bytes of a response body when the session sets no limit
)

// Costs of what is no work on bytes, in the bytes that the host handles in about the same time.
const (
	costCall         = 1 << 10 // a call of a function
	costVector       = 1 << 6  // an entry of a list of buffers, also of an empty one
	costSubscription = 1 << 9  // an entry of a list of what to wait for
)

// Epoch is where the clock of a session without Start stands.
var Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Meter counts the fuel of a call.
type Meter interface {
	// Burn takes fuel for what the host has done. It panics when the call may not go on.
	Burn(units int32)
	// Wait is called before the host waits for something. It panics when the call holds more memory
	// than it may.
	Wait()
}

// Session is the host's side of one call. It belongs to that call and to one goroutine; a pool may
// reuse it after Reset.
type Session struct {
	Grants Grants
	HTTP   HTTPClient // nil: http answers that it is not available
	// nil: the functions of globals answer that they are not available
	Globals Globals
	// gets a line without control characters; nil drops
	Log            func(level int, message string)
	IdempotencyKey string
	// where the guest's clock stands without Grants.Clock; only its own sleeping moves it; zero =
	// Epoch
	Start time.Time
	// Seed gives the seed of the random stream without Grants.Random. It is called when the guest
	// draws first, if it does; nil = all zeros.
	Seed        func() [32]byte
	Deadline    time.Time // of the call; zero = none
	MaxResponse int64     // bytes of an http response body; 0 = 8 MiB
	MaxOutput   int       // bytes of the output, where that is more than the module's own limit

	// Memory is the guest's, set by the sandbox.
	Memory Memory
	// Meter counts the guest's fuel, set by the sandbox; nil = what the host does for the guest
	// burns none.
	Meter Meter

	// Fuel is what the call has burnt, set by the sandbox at its end: about one a WebAssembly
	// instruction, and the same for the same module, input, grants and answers of the host.
	Fuel uint64
	// Live is set when the guest has seen the real clock or real randomness, which its grants let
	// it: the call cannot be repeated exactly.
	Live bool
	// MemorySize is how much memory the call's instance had at the end, in bytes, set by the
	// sandbox.
	MemorySize uint64

	call       callContext   // see Context
	held       []byte        // the answer that waits for take: its kind, then its payload
	slept      time.Duration // by which the guest's clock has moved on without Grants.Clock
	began      time.Time     // real time when the guest first asked for it, with Grants.Clock
	random     *rand.ChaCha8 // nil until asked for
	piped      *pipes        // standard input and output of a WASI command, nil for other modules
	stream     [2]lineBuffer // standard output and error
	stderr     []byte        // the end of all that was written to standard error
	logged     int           // bytes
	handled    int           // bytes that the host has handled since it looked at the time
	httpCalls  int
	globalSets int // additions included
	globalGets int
}

// Reset makes the session ready for another call; what it was given is gone. Of its buffers it
// keeps the small ones.
func (s *Session) Reset() {
	held := s.held[:0]
	if cap(held) > maxKept {
		held = nil
	}
	*s = Session{held: held}
}

// Flush ends the lines that the guest has left open on its standard output and error. The sandbox
// calls it after the call.
func (s *Session) Flush() {
	for fd := range s.stream {
		s.line(fd)
	}
}

// hold keeps an answer until the guest takes it, and returns its length.
func (s *Session) hold(k abi.Kind, label string, payload []byte) uint64 {
	s.held = append(s.held[:0], byte(k))
	if k != abi.Output {
		s.held = abi.AppendLabel(s.held, label)
	}
	s.held = append(s.held, payload...)
	return uint64(len(s.held))
}

// callContext is the context of a guest's functions: it carries the session to the host's functions
// by type assertion. It is a part of the session, so that a call allocates nothing for it, and
// shows nothing of what it was made of: wazero looks for values in it at each call, and the
// caller's chain of contexts may be long.
type callContext struct {
	context.Context
	session *Session
}

// Value finds nothing: what the host's functions need is in the session.
func (c *callContext) Value(any) any { return nil }

// Context returns the context for calling the guest's functions that s belongs to. It ends with
// parent and holds until the next Context or Reset.
func (s *Session) Context(parent context.Context) context.Context {
	s.call = callContext{parent, s}
	return &s.call
}

// session finds the call's session. A guest runs only within the sandbox's calls, which all have
// one.
func session(ctx context.Context) *Session { return ctx.(*callContext).session }

// handle notes that the host is about to handle n bytes for the guest, or to do what takes as long.
// A guest burns hardly any fuel while it has the host at work, so that the time has to be looked at
// here as well, and fuel to be burnt. What does not come to lookEvery in a call burns none.
func (s *Session) handle(n int) {
	if s.handled += n; s.handled < lookEvery {
		return
	}
	units := s.handled / bytesPerFuel
	s.handled = 0
	if s.Meter != nil {
		s.Meter.Burn(int32(min(units, math.MaxInt32/2)))
	}
	if s.call.Context.Err() != nil || !s.Deadline.IsZero() && !time.Now().Before(s.Deadline) {
		panic(TimeoutError{})
	}
}

// limited is the caller's context with the call's deadline, for functions of the host that may
// wait.
func (s *Session) limited() (context.Context, context.CancelFunc) {
	if s.Meter != nil {
		s.Meter.Wait()
	}
	if s.Deadline.IsZero() {
		return s.call.Context, func() {}
	}
	return context.WithDeadline(s.call.Context, s.Deadline)
}
