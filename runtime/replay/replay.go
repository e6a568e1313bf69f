package replay

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

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/secret"
)

const (
	// callTimeout bounds one replayed call, and nodeTimeout all calls of a node. The recorded
	// durations say nothing about this machine.
	callTimeout = time.Minute
	nodeTimeout = 5 * callTimeout
	// maxUnrecorded bounds the shown requests of a call that have no recorded response. A module
	// that makes more of them is a different one, and they would tell nothing.
	maxUnrecorded = 16
	// maxInputDepth is how deep a recorded input may nest: a config in which a template stands for
	// a whole body, and the list of items around it.
	maxInputDepth = 2*flow.MaxDepth + 1
)

// Comparison compares a recorded node with its replayed calls.
type Comparison struct {
	// Incomparable is why the calls could not be replayed, or why their results cannot be compared;
	// "" = they were compared.
	Incomparable               string
	Recorded, Replayed         Outcome
	Requests                   []Request // to the host, in order
	FuelRecorded, FuelReplayed uint64
}

// Outcome is the outcome of a node: an output, or an error.
type Outcome struct {
	Output        []byte // raw JSON; nil for a node that failed
	Handle        string
	Code, Message string // "" = it did not fail
}

// Request is a request to the host, as JSON. It is nil on the side that did not make it.
type Request struct {
	Function           string
	Recorded, Replayed []byte
}

// HasCalls reports whether a recorded node was called, so that it can be replayed.
func HasCalls(n *journal.NodeRecord) bool {
	return n.Attempts > 0 || n.StartedAt.IsZero() && n.State == engine.Completed.String()
}

// Node replays the calls of a recorded node with the module that nodes has for its type. Calls get
// the recorded input, clock, random numbers and host responses. Nothing reaches the network or a
// store. The module gets the recorded grants, except real time and real randomness, which cannot be
// repeated.
//
// A request without a recorded response fails. So does a call that exceeds callTimeout, or
// nodeTimeout for all calls together. Each is a difference from the record. Of a request longer
// than a record shows, only the size is returned.
func Node(ctx context.Context, nodes *engine.Nodes, rec *journal.NodeRecord) Comparison {
	t, err := nodes.Type(rec.Type)
	var module *sandbox.Module
	if err == nil {
		module, err = nodes.Module(rec.Type)
	}
	switch {
	case errors.Is(err, flow.ErrNoType):
		return Comparison{Incomparable: "there is no node type " + rec.Type + " here"}
	case err != nil:
		return Comparison{Incomparable: "its node type " + rec.Type + " cannot be used: " + err.Error()}
	}
	r := &node{module: module, rec: rec, grants: recordedGrants(rec.Grants), until: time.Now().Add(nodeTimeout)}
	if why := r.prepare(); why != "" {
		return Comparison{Incomparable: why}
	}
	switch {
	case (len(t.Fixed) > 0) != (rec.Fixed.Text != ""):
		return Comparison{Incomparable: "what is fixed in its config is not that of this module"}
	case rec.Fixed.Text != "":
		r.module = module.NewPrepared([]byte(rec.Fixed.Text))
	}
	for _, c := range r.calls {
		r.out.FuelRecorded += c.Fuel
	}
	r.out.Replayed = r.run(ctx)
	switch {
	case ctx.Err() != nil:
		return Comparison{Incomparable: "it was interrupted"}
	case r.out.Replayed.Code == engine.CodeMemory: // the limit may be lower than on the server
		return Comparison{Incomparable: "it wants more memory than it gets here"}
	}
	return r.out
}

// recordedGrants returns the recorded grants that can be repeated.
func recordedGrants(names []string) hostapi.Grants {
	var wanted []hostapi.Capability
	for _, name := range names {
		name, _, _ = strings.Cut(name, "(")
		wanted = append(wanted, hostapi.Capability(name))
	}
	return hostapi.Grants{HTTP: true, Log: true, Globals: true}.Only(wanted)
}

// node is a node that is being replayed.
type node struct {
	module interface {
		Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (sandbox.Result, error)
	}
	rec    *journal.NodeRecord
	grants hostapi.Grants
	until  time.Time
	inputs [][]byte
	calls  []journal.Call
	out    Comparison
}

// atLimits are the codes of errors that depend on the server's limits, its load or the moment.
var atLimits = []string{
	engine.CodeTimeout, engine.CodeCancelled, engine.CodeMemory, engine.CodeInternal, engine.CodeInputTooLarge, engine.CodeOutputTooLarge, engine.CodeExecutionMemory,
	engine.CodeForEachTooMany, sandbox.CodeFuel,
}

// prepare reads the record. It returns why the node cannot be replayed, or "" if it can.
func (r *node) prepare() (why string) {
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
	r.dropCancelled()
	if why := r.prepareCalls(); why != "" {
		return why
	}
	r.out.Recorded = Outcome{Code: rec.Code, Message: rec.Message}
	if rec.Code == "" {
		r.out.Recorded = Outcome{Output: []byte(rec.Output.Text), Handle: rec.Handle}
		if rec.Output == (journal.Value{}) {
			return "its output is not recorded"
		}
		if why := incomparable("its output", rec.Output); why != "" {
			return why
		}
	}
	return r.prepareInputs()
}

// dropCancelled drops the calls of items after the first failed one: they were canceled, or should
// have been.
func (r *node) dropCancelled() {
	for i, c := range r.calls {
		last := i+1 == len(r.calls) || r.calls[i+1].Item != c.Item
		if last && c.Code != "" {
			r.calls = r.calls[:i+1]
			return
		}
	}
}

func (r *node) prepareCalls() (why string) {
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
			for what, v := range map[string]journal.Value{"a request of it": h.Request, "a response that it got": h.Answer} {
				if why := incomparable(what, v); why != "" {
					return why
				}
			}
		}
	}
	return ""
}

// prepareInputs splits the recorded input into the inputs of items.
func (r *node) prepareInputs() (why string) {
	input := []byte(r.rec.Input.Text)
	if rawjson.Check(input, maxInputDepth) != nil {
		return "the record is damaged: its input is not JSON"
	}
	r.inputs = [][]byte{input}
	if r.hasItems() {
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

// hasItems reports whether the node has forEach. The recorded input is then an array of configs,
// else one object.
func (r *node) hasItems() bool { return rawjson.KindOf([]byte(r.rec.Input.Text)) == rawjson.Array }

// incomparable returns why a value cannot be compared, or "" if it can.
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

// run makes the calls. It repeats the attempts of each item until one succeeds.
func (r *node) run(ctx context.Context) Outcome {
	outputs := make([][]byte, 0, len(r.inputs))
	var end Outcome
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
		if !r.hasItems() {
			return end
		}
		if end.Code != "" {
			end.Message = new(secret.Texts).Line(fmt.Sprintf("item %d: %s", item, end.Message), hostapi.MaxMessage)
			return end
		}
		outputs = append(outputs, end.Output)
	}
	return Outcome{Output: slices.Concat([]byte("["), bytes.Join(outputs, []byte(",")), []byte("]"))}
}

// call makes one call.
func (r *node) call(ctx context.Context, input []byte, c journal.Call) Outcome {
	host := &recordedHost{calls: c.Host}
	limit := engine.TimeLimit{Duration: callTimeout, Of: "the time of a replayed call"}
	limit.AtMost(max(time.Until(r.until), 1), "the time of all replayed calls of a node")
	s := &hostapi.Session{
		Grants: r.grants, HTTP: host, Globals: host, Start: c.Start, Deadline: time.Now().Add(limit.Duration),
	}
	s.Seed = func() (seed [32]byte) { // all zeros if none was recorded
		copy(seed[:], c.Seed)
		return seed
	}
	result, err := r.module.Call(ctx, s, input, nil)
	r.out.FuelReplayed += s.Fuel
	r.out.Requests = append(r.out.Requests, host.end()...)
	if failure := engine.CallFailure(ctx, limit, s.Deadline, result, err, new(secret.Texts)); failure != nil {
		return Outcome{Code: failure.Code, Message: failure.Message}
	}
	return Outcome{Output: result.Output, Handle: result.Label}
}
