package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/secret"
	"github.com/flowtrux/edge/runtime/trace"
)

const (
	// repeatTime is how long a repeated call may take, and repeatAll how long all calls of a node
	// may. What the recorded ones took says nothing of this machine.
	repeatTime = time.Minute
	repeatAll  = 5 * repeatTime
	// maxSurplus bounds the requests of a call that the record has no answer for: a module that
	// goes on asking is another one, and more of them tell nothing.
	maxSurplus = 16
	// maxInputDepth is how deep a recorded input may nest.
	maxInputDepth = 512
)

// Repeated is a recorded node beside the same calls made again.
type Repeated struct {
	// Incomparable says why the calls could not be made again, or what they give not be held
	// against the record; "" = they were.
	Incomparable    string
	Was, Is         Ending
	Asked           []Asked // of the host, in order
	FuelWas, FuelIs uint64
}

// Ending is what a node gave: an output, or an error.
type Ending struct {
	Output        []byte // raw JSON; of a node that failed nil
	Handle        string
	Code, Message string // "" = it did not fail
}

// Asked is a request to the host, as JSON; nil on the side where there was none.
type Asked struct {
	Function string
	Was, Is  []byte
}

// Called tells whether there are calls of a recorded node, so that there is something to repeat.
func Called(n *journal.NodeRecord) bool {
	return n.Attempts > 0 || n.StartedAt.IsZero() && n.State == Completed.String()
}

// Repeat makes the calls of a recorded node again with the module that n has for its type: from the
// recorded input, with the clock, the random numbers and the answers of the host that it had then.
// Nothing reaches the network or a store. The module gets what the record's was allowed; real time
// and real randomness, which cannot be had again, are for none.
//
// A request that the record has no answer for fails, and so does a call after repeatTime, or when
// all together take longer than repeatAll; each differs from the record. Of a request that is
// longer than a record shows there is only its size.
func (n *Nodes) Repeat(ctx context.Context, rec *journal.NodeRecord) Repeated {
	t, err := n.get(rec.Type)
	switch {
	case errors.Is(err, flow.ErrNoType):
		return Repeated{Incomparable: "there is no node type " + rec.Type + " here"}
	case err != nil:
		return Repeated{Incomparable: "its node type " + rec.Type + " cannot be used: " + err.Error()}
	}
	r := &repeat{module: t.module, rec: rec, grants: recordedGrants(rec.Grants), until: time.Now().Add(repeatAll)}
	if why := r.prepare(); why != "" {
		return Repeated{Incomparable: why}
	}
	switch {
	case (len(t.Fixed) > 0) != (rec.Fixed.Text != ""):
		return Repeated{Incomparable: "what is fixed in its config is not that of this module"}
	case rec.Fixed.Text != "":
		r.module = t.module.NewPrepared([]byte(rec.Fixed.Text))
	}
	for _, c := range r.calls {
		r.out.FuelWas += c.Fuel
	}
	r.out.Is = r.run(ctx)
	switch {
	case ctx.Err() != nil:
		return Repeated{Incomparable: "it was interrupted"}
	case r.out.Is.Code == CodeMemory: // which may be less than the server gives it
		return Repeated{Incomparable: "it wants more memory than it gets here"}
	}
	return r.out
}

// recordedGrants are the grants of a record that can be had again.
func recordedGrants(names []string) hostapi.Grants {
	var wanted []hostapi.Capability
	for _, name := range names {
		name, _, _ = strings.Cut(name, "(")
		wanted = append(wanted, hostapi.Capability(name))
	}
	return hostapi.Grants{HTTP: true, Log: true, Globals: true}.Only(wanted)
}

// repeat is a node that is repeated.
type repeat struct {
	module caller
	rec    *journal.NodeRecord
	grants hostapi.Grants
	until  time.Time
	inputs [][]byte
	calls  []journal.Call
	out    Repeated
}

// atLimits are the codes of errors that depend on the limits, the load or the moment of the server
// they came from.
var atLimits = []string{
	CodeTimeout, CodeCancelled, CodeMemory, CodeInternal, CodeInputTooLarge, CodeOutputTooLarge, CodeExecutionMemory,
	CodeForEachTooMany, sandbox.CodeFuel,
}

// prepare says why the node cannot be repeated; "" = it can.
func (r *repeat) prepare() (why string) {
	rec := r.rec
	r.calls = rec.Calls
	if len(r.calls) == 0 {
		r.calls = []journal.Call{{Attempt: 1, Start: rec.StartedAt, Fuel: rec.Fuel, Code: rec.Code, Message: rec.Message}}
	}
	switch {
	case rec.StartedAt.IsZero():
		return "it ran before the server was restarted"
	case slices.Contains(atLimits, rec.Code):
		return "it ended at a limit of the server: " + rec.Code
	case rec.CallsCut || len(r.calls) != rec.Attempts:
		return "it was called more often than is recorded"
	case rec.Input == (journal.Value{}):
		return "its input is not recorded"
	}
	if why := cmp.Or(incomparable("its input", rec.Input), incomparable("the fixed part of its config", rec.Fixed)); why != "" {
		return why
	}
	r.dropUnwanted()
	if why := r.prepareCalls(); why != "" {
		return why
	}
	r.out.Was = Ending{Code: rec.Code, Message: rec.Message}
	if rec.Code == "" {
		r.out.Was = Ending{Output: []byte(rec.Output.Text), Handle: rec.Handle}
		if rec.Output == (journal.Value{}) {
			return "its output is not recorded"
		}
		if why := incomparable("its output", rec.Output); why != "" {
			return why
		}
	}
	return r.prepareInputs()
}

// dropUnwanted leaves out the items behind the first that failed: they were cut off, or should have
// been.
func (r *repeat) dropUnwanted() {
	for i, c := range r.calls {
		last := i+1 == len(r.calls) || r.calls[i+1].Item != c.Item
		if last && c.Code != "" {
			r.calls = r.calls[:i+1]
			return
		}
	}
}

func (r *repeat) prepareCalls() (why string) {
	for _, c := range r.calls {
		switch {
		case c.Live:
			return "it has seen the real time or real randomness, which its grants clock and random allow"
		case slices.Contains(atLimits, c.Code):
			return "an attempt ended at a limit of the server: " + c.Code
		case len(c.Seed) != 0 && len(c.Seed) != 32:
			return "the record is damaged: a seed has 32 bytes"
		}
		for _, h := range c.Host {
			for what, v := range map[string]journal.Value{"a request of it": h.Request, "an answer that it got": h.Answer} {
				if why := incomparable(what, v); why != "" {
					return why
				}
			}
		}
	}
	return ""
}

// prepareInputs takes the recorded input apart.
func (r *repeat) prepareInputs() (why string) {
	input := []byte(r.rec.Input.Text)
	if rawjson.Check(input, maxInputDepth) != nil {
		return "the record is damaged: its input is not JSON"
	}
	r.inputs = [][]byte{input}
	if r.each() {
		r.inputs = nil
		rawjson.Elements(input, func(v []byte) bool {
			r.inputs = append(r.inputs, v)
			return true
		})
	}
	for _, c := range r.calls {
		if c.Item < 0 || c.Item >= len(r.inputs) {
			return "the record is damaged: there is no input of item " + strconv.Itoa(c.Item)
		}
	}
	return ""
}

// each tells whether the node has forEach: a config is an object, those of all items are an array.
func (r *repeat) each() bool { return rawjson.KindOf([]byte(r.rec.Input.Text)) == rawjson.Array }

// incomparable says why a value cannot be used; "" = it can.
func incomparable(what string, v journal.Value) string {
	switch {
	case v.Masked:
		return what + " holds secrets, which are masked"
	case v.Cut:
		return what + " is not recorded: the record took too much work"
	case v.Text == "" && v.Size > 0:
		return fmt.Sprintf("%s of %d bytes is not recorded in full", what, v.Size)
	}
	return ""
}

// run makes the calls: of each item its attempts until one succeeds.
func (r *repeat) run(ctx context.Context) Ending {
	outputs := make([][]byte, 0, len(r.inputs))
	var end Ending
	for i := 0; i < len(r.calls); {
		item := r.calls[i].Item
		for ; i < len(r.calls) && r.calls[i].Item == item; i++ {
			end = r.call(ctx, r.inputs[item], r.calls[i])
			if end.Code == "" {
				break
			}
		}
		for i < len(r.calls) && r.calls[i].Item == item {
			i++
		}
		if !r.each() {
			return end
		}
		if end.Code != "" {
			end.Message = new(secret.Texts).Line(fmt.Sprintf("item %d: %s", item, end.Message), hostapi.MaxMessage)
			return end
		}
		outputs = append(outputs, end.Output)
	}
	return Ending{Output: slices.Concat([]byte("["), bytes.Join(outputs, []byte(",")), []byte("]"))}
}

// call makes one call.
func (r *repeat) call(ctx context.Context, input []byte, c journal.Call) Ending {
	host := &recordedHost{calls: c.Host}
	limit := timeLimit{repeatTime, "the time of a repeated call"}
	limit.atMost(max(time.Until(r.until), 1), "the time of all repeated calls of a node")
	s := &hostapi.Session{
		Grants: r.grants, HTTP: host, Globals: host, Start: c.Start, Deadline: time.Now().Add(limit.Duration),
	}
	s.Seed = func() (seed [32]byte) { // all zeros where none was drawn
		copy(seed[:], c.Seed)
		return seed
	}
	result, err := r.module.Call(ctx, s, input, nil)
	r.out.FuelIs += s.Fuel
	r.out.Asked = append(r.out.Asked, host.end()...)
	var failure *NodeError
	switch {
	case err != nil:
		failure = callFailed(ctx, limit, s.Deadline, err)
	case result.Kind == abi.Error || result.Kind == abi.Fatal:
		failure = nodeError(result, new(secret.Texts))
	default:
		return Ending{Output: result.Output, Handle: result.Label}
	}
	return Ending{Code: failure.Code, Message: failure.Message}
}

// recordedHost answers as the host has answered in a recorded call.
type recordedHost struct {
	calls   []journal.HostCall
	next    int
	surplus int // requests that the record has no answer for
	asked   []Asked
}

// ask takes the next call of the host. ok is false when there was none, or another one.
func (h *recordedHost) ask(function string, request []byte) (c journal.HostCall, ok bool) {
	a := Asked{Function: function, Is: request}
	if len(request) > trace.MaxValue {
		a.Is = fmt.Appendf(nil, `"(%d bytes)"`, len(request))
	}
	if h.next < len(h.calls) && h.calls[h.next].Function == function {
		c, ok = h.calls[h.next], true
		a.Was = []byte(c.Request.Text)
		h.next++
	} else if h.surplus++; h.surplus > maxSurplus {
		return c, false
	}
	h.asked = append(h.asked, a)
	return c, ok
}

// end returns what was asked, with what was not asked any more.
func (h *recordedHost) end() []Asked {
	for _, c := range h.calls[h.next:] {
		h.asked = append(h.asked, Asked{Function: c.Function, Was: []byte(c.Request.Text)})
	}
	return h.asked
}

// noAnswer is what a node gets that asks for something that the record does not have.
var noAnswer = &hostapi.Failure{Code: "not_recorded", Message: "the record has no answer to this", Fatal: true}

func failureOf(c journal.HostCall) error {
	if c.Code == "" {
		return nil
	}
	return &hostapi.Failure{Code: c.Code, Message: c.Message, Fatal: c.Fatal}
}

// Do implements hostapi.HTTPClient.
func (h *recordedHost) Do(_ context.Context, req []byte, _ hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	c, ok := h.ask(abi.ImportHTTP, trace.CanonicalJSON(req))
	switch {
	case !ok:
		return dst, noAnswer
	case c.Code != "":
		return dst, failureOf(c)
	}
	return append(dst, c.Answer.Text...), nil
}

// SetGlobal implements hostapi.GlobalWriter.
func (h *recordedHost) SetGlobal(_ context.Context, key string, value []byte) error {
	c, ok := h.ask(abi.ImportGlobalSet, trace.SetGlobalRequest(key, value))
	if !ok {
		return noAnswer
	}
	return failureOf(c)
}

// AddGlobal implements hostapi.GlobalWriter.
func (h *recordedHost) AddGlobal(_ context.Context, key string, by int64) ([]byte, error) {
	return h.answer(abi.ImportGlobalAdd, trace.AddGlobalRequest(key, by))
}

// GetGlobal implements hostapi.Globals.
func (h *recordedHost) GetGlobal(key string) ([]byte, error) {
	return h.answer(abi.ImportGlobalGet, trace.GetGlobalRequest(key))
}

// answer is the recorded answer to a request about a global; nil = it was empty.
func (h *recordedHost) answer(function string, request []byte) ([]byte, error) {
	c, ok := h.ask(function, request)
	switch {
	case !ok:
		return nil, noAnswer
	case c.Code != "" || c.Answer.Text == "":
		return nil, failureOf(c)
	}
	return []byte(c.Answer.Text), nil
}
