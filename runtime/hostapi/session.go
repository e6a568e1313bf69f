package hostapi

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
)

// HTTPClient performs the requests of the capability http. In production it is an *egress.Client.
type HTTPClient interface {
	// Do performs the request that req describes in JSON and appends the response's JSON to dst.
	// See egress.Client.Do.
	Do(ctx context.Context, req []byte, o HTTPOptions, dst []byte) ([]byte, error)
}

// HTTPOptions are the host's part of a request.
type HTTPOptions struct {
	Hosts []string // from Grants.HTTPHosts
	// sent as Idempotency-Key with methods other than GET and HEAD, unless the request sets it
	IdempotencyKey string
	MaxResponse    int64     // bytes of the response body
	Secrets        []string  // texts in the request that a redirect must not send to another origin
	Trace          HTTPTrace // nil = none
}

// HTTPTrace traces one request with its redirects.
type HTTPTrace interface {
	// Begin is called before a valid request is sent. It may set headers, in place of the node's.
	Begin(method string, u *url.URL, h http.Header)
	// End is called after Begin, when the response was read or err is why there is none. status is
	// 0 if there was no response.
	End(status int, err error)
}

// GlobalWriter stores globals. Its methods return when the value is in the store.
type GlobalWriter interface {
	SetGlobal(ctx context.Context, key string, value []byte) error
	// AddGlobal adds by to an integer, or to 0 if the global does not exist, and returns the sum,
	// which the caller owns. Concurrent additions are not lost.
	AddGlobal(ctx context.Context, key string, by int64) (sum []byte, err error)
}

// Globals implements the capability globals.
type Globals interface {
	GlobalWriter
	// GetGlobal returns a global as raw JSON, or nil if it does not exist. Nobody may change the
	// value. GetGlobal does not wait.
	GetGlobal(key string) (value []byte, err error)
}

// Limits on a single call's use of the host.
const (
	// bytes of log lines, standard output and error together; the rest is dropped
	MaxLogBytes    = 64 << 10
	MaxHTTPCalls   = 100      // requests
	MaxGlobalCalls = 1000     // writes of globals, and as many reads
	MaxResult      = 64 << 20 // bytes of one function's result
	maxLogLine     = 8 << 10  // bytes; longer lines are cut
	maxRandom      = 16 << 20 // bytes of one random_get
	maxGlobalKey   = 1 << 10  // bytes of a global's key
	// bytes that the host processes before it burns fuel and checks the time
	chargeEvery = 1 << 20
	// bytes that the host processes for a unit of fuel, as for memory.copy
	bytesPerFuel    = 16
	maxReusedResult = 64 << 10 // bytes of a result's buffer that the next call reuses
	defaultHTTP     = 8 << 20  // bytes of a response body if the session sets no limit
)

// Costs of fixed work, in bytes that the host processes in about the same time.
const (
	costCall         = 1 << 10 // a function call
	costVector       = 1 << 6  // an entry in a list of buffers, even if that buffer is empty
	costSubscription = 1 << 9  // an entry in a list of subscriptions
)

// Epoch is the time that the clock of a session without Start shows.
var Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Meter counts the fuel of a call.
type Meter interface {
	// Burn takes fuel for work that the host has done. It panics if the call must end.
	Burn(units int32)
	// Wait is called before the host waits for something. It panics if the call holds more memory
	// than allowed.
	Wait()
}

// Session is the host's state of one call. It belongs to that call and to one goroutine. A pool may
// reuse it after Reset.
type Session struct {
	Grants Grants
	HTTP   HTTPClient // nil = requests fail with http_not_available
	// nil = the functions of globals fail with global_not_available
	Globals Globals
	// receives lines without control characters; nil = they are dropped
	Log            func(level int, message string)
	IdempotencyKey string
	// the time that the guest's clock shows without Grants.Clock; only the guest's own sleeping
	// advances it; zero = Epoch
	Start time.Time
	// Seed returns the seed of the random stream without Grants.Random. It is called when the guest
	// first asks for random bytes; nil = all zeros.
	Seed func() [32]byte
	// Lane spreads the calls of sessions that are used at the same time over the free instances. It
	// remains after Reset. Sessions in a pool each have another number; any number is right.
	Lane        uint32
	Began       time.Time // real time when the call began; zero = the sandbox reads the clock
	Deadline    time.Time // of the call; zero = none
	MaxResponse int64     // bytes of an http response body; 0 = 8 MiB
	MaxOutput   int       // bytes of the output, if that is more than the module's own limit

	// Memory is the guest's, set by the sandbox.
	Memory Memory
	// Meter counts the guest's fuel, set by the sandbox; nil = the host's work burns none.
	Meter Meter

	// Fuel is the fuel that the call has burnt, set by the sandbox at its end. It is about one unit
	// per WebAssembly instruction, and the same for the same module, input, grants and host
	// results.
	Fuel uint64
	// Live is set when the guest has seen the real clock or real randomness. The call cannot be
	// repeated exactly then.
	Live bool
	// MemorySize is the size of the instance's memory at the end of the call, in bytes, set by the
	// sandbox.
	MemorySize uint64

	call        callContext   // see Context
	result      []byte        // the result that waits for take: its kind, then its payload
	clockOffset time.Duration // how far the guest's clock has advanced without Grants.Clock
	began       time.Time     // real time when the guest first asked for it, with Grants.Clock
	random      *rand.ChaCha8 // nil until it is used
	piped       *commandIO    // standard input and output of a WASI command, nil for other modules
	stream      [2]lineBuffer // standard output and error
	stderr      []byte        // the end of standard error
	logged      int           // bytes
	// bytes that the host has processed since fuel was last burnt for them
	charged    int
	httpCalls  int
	globalSets int // includes additions
	globalGets int
}

// Reset makes the session ready for another call. It clears all fields but Lane, and reuses a small
// result buffer.
func (s *Session) Reset() {
	held := s.result[:0]
	if cap(held) > maxReusedResult {
		held = nil
	}
	*s = Session{result: held, Lane: s.Lane}
}

// Flush logs incomplete lines of standard output and error. The sandbox calls it after the call.
func (s *Session) Flush() {
	for fd := range s.stream {
		s.line(fd)
	}
}

// putResult stores a result for take and returns its length.
func (s *Session) putResult(k abi.Kind, label string, payload []byte) uint64 {
	s.result = append(s.result[:0], byte(k))
	if k != abi.Output {
		s.result = abi.AppendLabel(s.result, label)
	}
	s.result = append(s.result, payload...)
	return uint64(len(s.result))
}

// callContext carries the session to the host functions, which get it by type assertion. It is part
// of the session so that a call allocates nothing for it. It hides the values of its parent: wazero
// looks for values at each call, and the caller's chain of contexts may be long.
type callContext struct {
	context.Context
	session *Session
}

// Value returns nil: host functions need nothing but the session.
func (c *callContext) Value(any) any { return nil }

// Context returns the context for calling the guest's functions with this session. It ends with
// parent and is valid until the next Context or Reset.
func (s *Session) Context(parent context.Context) context.Context {
	s.call = callContext{parent, s}
	return &s.call
}

// session returns the call's session. A guest runs only within the sandbox's calls, which all have
// one.
func session(ctx context.Context) *Session { return ctx.(*callContext).session }

// charge charges the guest for n bytes that the host is about to process, or for work that takes as
// long. A guest that calls the host burns hardly any fuel itself, so charge burns fuel and checks
// the time, once per chargeEvery bytes. A call that stays below that burns none.
func (s *Session) charge(n int) {
	if s.charged += n; s.charged < chargeEvery {
		return
	}
	units := s.charged / bytesPerFuel
	s.charged = 0
	if s.Meter != nil {
		s.Meter.Burn(int32(min(units, math.MaxInt32/2)))
	}
	select {
	case <-s.call.Context.Done(): // a context that nobody waits for may not notice its limit
		panic(TimeoutError{})
	default:
	}
	if !s.Deadline.IsZero() && !time.Now().Before(s.Deadline) {
		panic(TimeoutError{})
	}
}

// waitContext returns the caller's context with the call's deadline, for host functions that may
// wait.
func (s *Session) waitContext() (context.Context, context.CancelFunc) {
	if s.Meter != nil {
		s.Meter.Wait()
	}
	if s.Deadline.IsZero() {
		return s.call.Context, func() {}
	}
	return context.WithDeadline(s.call.Context, s.Deadline)
}
