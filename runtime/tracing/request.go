package tracing

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// maxURL bounds the URL in a span, in bytes.
const maxURL = 1 << 10

// Request is one request of a node. It implements hostapi.HTTPTrace: it has a span of its own if
// the execution is sampled, and tells the server of the trace in any case.
type Request struct {
	execution *Execution        // nil = not sampled
	parent    trace.SpanContext // without a span
	node      int
	attempt   int
	mask      func(string) string
	span      trace.Span // nil = none
}

// Request returns the trace of a request that an attempt of a node sends. mask hides secrets in a
// text. Of an execution that is not sampled, at is its place in a trace; nil is returned if it has
// none.
func (x *Execution) Request(at trace.SpanContext, node, attempt int, mask func(string) string) hostapi.HTTPTrace {
	if x == nil && !at.IsValid() {
		return nil
	}
	return &Request{execution: x, parent: at, node: node, attempt: attempt, mask: mask}
}

// Begin implements hostapi.HTTPTrace. It starts the span and sets the headers traceparent and
// tracestate, but never baggage, which could carry values of others to anybody.
func (r *Request) Begin(method string, u *url.URL, h http.Header) {
	ctx := context.Background()
	switch x := r.execution; {
	case x == nil:
		ctx = trace.ContextWithSpanContext(ctx, r.parent)
	case x.nodes[r.node].requests.Add(1) > maxRequests:
		ctx = x.nodes[r.node].ctx
	default:
		node := &x.nodes[r.node]
		attributes := append(x.attributesOf(node, 5),
			attribute.Int("flowtrux.attempt", r.attempt),
			attribute.String("http.request.method", method),
			attribute.String("url.full", r.shown(u)),
			attribute.String("server.address", r.mask(u.Hostname())),
		)
		if port := port(u); port > 0 {
			attributes = append(attributes, attribute.Int("server.port", port))
		}
		ctx, r.span = x.tracer.tracer.Start(node.ctx, method, trace.WithSpanKind(trace.SpanKindClient))
		r.span.SetAttributes(attributes...)
	}
	h.Del("Tracestate") // one of the node belongs to another traceparent
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
}

// shown returns a URL without its query. A secret may be in its path as it is or escaped.
func (r *Request) shown(u *url.URL) string {
	path := u.EscapedPath()
	if plain := r.mask(u.Path); plain != u.Path {
		path = plain
	}
	s := r.mask(u.Scheme + "://" + u.Host + path)
	return s[:min(len(s), maxURL)]
}

func port(u *url.URL) int {
	p := u.Port()
	switch {
	case p == "" && u.Scheme == "https":
		return 443
	case p == "":
		return 80
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// End implements hostapi.HTTPTrace.
func (r *Request) End(status int, err error) {
	if r.span == nil {
		return
	}
	if status != 0 {
		r.span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	var failure *hostapi.Failure
	switch {
	case errors.As(err, &failure):
		fail(r.span, failure.Code)
	case err != nil:
		fail(r.span, "host_error")
	case status >= http.StatusBadRequest:
		fail(r.span, strconv.Itoa(status))
	}
	r.span.End()
}

// Interface guards
var _ hostapi.HTTPTrace = (*Request)(nil)
