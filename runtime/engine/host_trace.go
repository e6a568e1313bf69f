package engine

import (
	"context"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/trace"
)

// Do implements hostapi.HTTPClient. It sends the request with its secret references replaced by the
// secrets, and traces it.
func (h *hostSession) Do(ctx context.Context, req []byte, o hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	req, secrets, err := h.refs.Expand(req)
	if err != nil {
		return dst, err
	}
	o.Secrets = secrets
	o.Trace = h.x.requestSpan(h.call, secrets)
	t := &h.x.trace
	c := trace.HostCall{Function: abi.ImportHTTP, RequestSize: len(req), Request: t.CopyIfFits(req)}
	out, err := h.x.engine.config.HTTP.Do(ctx, req, o, dst)
	h.retryAfter = 0
	if err == nil {
		response := out[len(dst):]
		h.retryAfter = retryAfter(response, h.x.engine.config.Clock())
		c.ResponseSize, c.Response = len(response), t.CopyIfFits(response)
	}
	h.used.Add(t, c, err)
	return out, err
}

// SetGlobal implements hostapi.GlobalWriter. It traces the write.
func (h *hostSession) SetGlobal(ctx context.Context, key string, value []byte) error {
	t, request := &h.x.trace, trace.SetGlobalRequest(key, value)
	c := trace.HostCall{Function: abi.ImportGlobalSet, RequestSize: len(request), Request: t.KeepIfFits(request)}
	err := h.x.engine.config.Globals.SetGlobal(ctx, key, value)
	h.used.Add(t, c, err)
	return err
}

// AddGlobal implements hostapi.GlobalWriter. It traces the addition with the sum.
func (h *hostSession) AddGlobal(ctx context.Context, key string, by int64) ([]byte, error) {
	t, request := &h.x.trace, trace.AddGlobalRequest(key, by)
	c := trace.HostCall{Function: abi.ImportGlobalAdd, RequestSize: len(request), Request: t.KeepIfFits(request)}
	sum, err := h.x.engine.config.Globals.AddGlobal(ctx, key, by)
	c.ResponseSize, c.Response = len(sum), t.CopyIfFits(sum)
	h.used.Add(t, c, err)
	return sum, err
}

// GetGlobal implements hostapi.Globals, except for secret globals. It traces the value.
func (h *hostSession) GetGlobal(key string) (value []byte, err error) {
	t, request := &h.x.trace, trace.GetGlobalRequest(key)
	c := trace.HostCall{Function: abi.ImportGlobalGet, RequestSize: len(request), Request: t.KeepIfFits(request)}
	if flow.IsSecretGlobal(key) {
		err = hostapi.ErrGlobalSecret
	} else if known, ok := h.x.engine.global(key); ok {
		value = known
		c.ResponseSize, c.Response = len(value), t.KeepIfFits(value)
	}
	h.used.Add(t, c, err)
	return value, err
}
