package caddymodule

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.opentelemetry.io/otel/trace"
)

func TestSamplers(t *testing.T) {
	parent := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
	}))
	for _, c := range []struct{ name, arg, want string }{
		{"", "", "ParentBased{root:AlwaysOnSampler,"},
		{"parentbased_always_on", "", "ParentBased{root:AlwaysOnSampler,"},
		{"parentbased_always_off", "", "ParentBased{root:AlwaysOffSampler,"},
		{" ParentBased_TraceIDRatio ", " 0.25 ", "ParentBased{root:TraceIDRatioBased{0.25},"},
		{"parentbased_traceidratio", "", "ParentBased{root:TraceIDRatioBased{1},"},
		{"traceidratio", "0.5", "TraceIDRatioBased{0.5}"},
		{"always_on", "", "AlwaysOnSampler"},
		{"always_off", "nothing", "AlwaysOffSampler"},
	} {
		s, err := samplerOf(c.name, c.arg)
		if err != nil || !strings.HasPrefix(s.Description(), c.want) {
			t.Errorf("%q %q: %v %v, want %s", c.name, c.arg, s, err, c.want)
		}
	}
	for _, c := range []struct{ name, arg, names string }{
		{"sometimes", "", "OTEL_TRACES_SAMPLER is 'sometimes'"},
		{"traceidratio", "half", "OTEL_TRACES_SAMPLER_ARG is 'half'"},
		{"traceidratio", "1.5", "OTEL_TRACES_SAMPLER_ARG is '1.5'"},
		{"traceidratio", "NaN", "OTEL_TRACES_SAMPLER_ARG is 'NaN'"},
		{"parentbased_traceidratio", "-1", "OTEL_TRACES_SAMPLER_ARG is '-1'"},
	} {
		if _, err := samplerOf(c.name, c.arg); err == nil || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%q %q: %v, want %s", c.name, c.arg, err, c.names)
		}
	}
	for name, value := range map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_SDK_DISABLED": "true"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			p, err := newTracer()
			if err != nil {
				t.Fatal(err)
			}
			if c := p.Arrived(parent); c.IsSampled() {
				t.Errorf("%s=%s: %+v is sampled", name, value, c)
			}
			if err := p.Destruct(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTracingThatCannotBe: a wrong environment variable is an error of the config, and names it.
func TestTracingThatCannotBe(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_TRACES_SAMPLER": "sometimes", "OTEL_TRACES_EXPORTER": "nowhere", "OTEL_EXPORTER_OTLP_PROTOCOL": "pigeon",
		"OTEL_RESOURCE_ATTRIBUTES": "no-value",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			_, err := newTracer()
			want := name
			if strings.HasPrefix(name, "OTEL_EXPORTER_OTLP") {
				want = "OTEL_EXPORTER_OTLP_*"
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		})
	}
}

// TestAllocationsWithoutSpans: tracing that is on and samples nothing costs a request no
// allocation.
func TestAllocationsWithoutSpans(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
	t.Setenv("OTEL_TRACES_EXPORTER", "console") // gets nothing
	allocations := func(app string) float64 {
		s := newSite(t, app, `{}`)
		s.putWorkflow("three", threeNodes)
		h := s.handler(`{}`)
		if app == `{}` != (s.app.tracer == nil) {
			t.Fatalf("%s: the app has the wrong tracer", app)
		}
		c := to("three", order).with("Content-Type", "application/json")
		body := bytes.NewReader([]byte(order))
		r := httptest.NewRequest(http.MethodPost, c.path, io.NopCloser(body))
		r.ContentLength, r.Header = int64(len(order)), c.header
		r = asCaddy(r.WithContext(context.WithValue(t.Context(), caddyhttp.ServerCtxKey, new(caddyhttp.Server))))
		w := &sink{header: make(http.Header)}
		least := math.Inf(1)
		for range 5 { // a collection of garbage empties pools, which then are filled again
			least = min(least, testing.AllocsPerRun(100, func() {
				body.Reset([]byte(order))
				clear(w.header)
				if err := h.ServeHTTP(w, r, nil); err != nil || w.status != http.StatusOK {
					t.Fatal(w.status, err)
				}
			}))
		}
		return least
	}
	off, unsampled := allocations(`{}`), allocations(`{"tracing":true}`)
	if unsampled > off && !raceEnabled { // with the race detector, pools drop items
		t.Errorf("%v allocations a request without tracing, %v with tracing that samples nothing", off, unsampled)
	}
}
