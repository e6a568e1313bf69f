package engine

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// heard is what there is to note of a call beside what its node shows: most calls have nothing.
type heard struct {
	drew bool // random numbers of its seed
	live bool // see hostapi.Session
	host []hostCall
	cut  bool // there is more than host has
}

// hostCall is what a node asked of the host. What is nil although its size is not was too much.
type hostCall struct {
	function                string
	request, answer         []byte
	requestSize, answerSize int
	failure                 *hostapi.Failure
}

// notedCall is a call with what was heard of it.
type notedCall struct {
	call  call
	start time.Time
	fuel  uint64
	heard *heard // nil = nothing
	err   *NodeError
}

// Do implements hostapi.HTTPClient: the request is done with its handles replaced, and noted.
func (h *hostSide) Do(ctx context.Context, req []byte, o hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	req, secrets, err := h.handles.Expand(req)
	if err != nil {
		return dst, err
	}
	o.Secrets = secrets
	c := hostCall{function: abi.ImportHTTP, requestSize: len(req), request: h.x.notes.keep(req)}
	out, err := h.x.engine.config.HTTP.Do(ctx, req, o, dst)
	h.retryAfter = 0
	if err == nil {
		answer := out[len(dst):]
		h.retryAfter = retryAfter(answer, h.x.engine.config.Clock())
		c.answerSize, c.answer = len(answer), h.x.notes.keep(answer)
	}
	h.note(c, err)
	return out, err
}

// SetGlobal implements hostapi.GlobalWriter: the value is written as it is, and noted.
func (h *hostSide) SetGlobal(ctx context.Context, key string, value []byte) error {
	request := globalRequest(key, value)
	c := hostCall{function: abi.ImportGlobalSet, requestSize: len(request), request: h.x.notes.keep(request)}
	err := h.x.engine.config.Globals.SetGlobal(ctx, key, value)
	h.note(c, err)
	return err
}

// AddGlobal implements hostapi.GlobalWriter: the number is added as it is, and noted with the sum.
func (h *hostSide) AddGlobal(ctx context.Context, key string, by int64) ([]byte, error) {
	request := additionRequest(key, by)
	c := hostCall{function: abi.ImportGlobalAdd, requestSize: len(request), request: h.x.notes.keep(request)}
	sum, err := h.x.engine.config.Globals.AddGlobal(ctx, key, by)
	c.answerSize, c.answer = len(sum), h.x.notes.keep(sum)
	h.note(c, err)
	return sum, err
}

// GetGlobal implements hostapi.Globals for all globals but secret ones. What is read is noted.
func (h *hostSide) GetGlobal(key string) (value []byte, err error) {
	request := readRequest(key)
	c := hostCall{function: abi.ImportGlobalGet, requestSize: len(request), request: h.x.notes.keep(request)}
	if flow.IsSecretGlobal(key) {
		err = hostapi.ErrGlobalSecret
	} else if known, ok := h.x.engine.global(key); ok {
		value = known
		c.answerSize, c.answer = len(value), h.x.notes.keep(value)
	}
	h.note(c, err)
	return value, err
}

// note keeps a call of the host. When there is no room for any, the last one that is kept has no
// request.
func (h *hostSide) note(c hostCall, err error) {
	if h.heard.cut {
		return
	}
	if h.heard.cut = !h.x.notes.room(hostCallSize); h.heard.cut {
		c.request, c.answer = nil, nil
	}
	if err != nil && !errors.As(err, &c.failure) {
		c.failure = &hostapi.Failure{Code: "host_error"}
	}
	h.heard.host = append(h.heard.host, c)
}

// globalRequest is how a record shows the writing of a global.
func globalRequest(key string, value []byte) []byte {
	out := rawjson.AppendQuoted([]byte(`{"key":`), []byte(key))
	out = append(append(out, `,"value":`...), asJSON(value)...)
	return append(out, '}')
}

// additionRequest is how a record shows an addition to a global.
func additionRequest(key string, by int64) []byte {
	out := rawjson.AppendQuoted([]byte(`{"key":`), []byte(key))
	return append(strconv.AppendInt(append(out, `,"by":`...), by, 10), '}')
}

// readRequest is how a record shows the reading of a global.
func readRequest(key string) []byte {
	return append(rawjson.AppendQuoted([]byte(`{"key":`), []byte(key)), '}')
}

// asJSON is a value of a guest's making as JSON, in canonical form: one that is not JSON as a
// string.
func asJSON(v []byte) []byte {
	if out, err := rawjson.AppendCanonical(nil, v, maxHostDepth); err == nil {
		return out
	}
	return rawjson.AppendQuoted(nil, bytes.ToValidUTF8(v, []byte("\uFFFD")))
}

// maxHostDepth is how deep a request may nest that is recorded as JSON.
const maxHostDepth = 512

// hostCallSize is what a hostCall takes beside its texts, in bytes.
const hostCallSize = 128

// room takes n bytes of what may be remembered of the host's calls, if there are so many.
func (t *notes) room(n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.heard+n > notedHost {
		return false
	}
	t.heard += n
	return true
}

// keep is a copy of b, or nil when it is more than a record shows or than may be remembered.
func (t *notes) keep(b []byte) []byte {
	if len(b) > maxRecorded || !t.room(len(b)) {
		return nil
	}
	return bytes.Clone(b)
}

// ended notes a call of a node.
func (t *notes) ended(c notedCall) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls == nil {
		t.calls = make(map[int][]notedCall)
	}
	if n := c.call.node; len(t.calls[n]) < notedCalls {
		t.calls[n] = append(t.calls[n], c)
	}
}
