package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/internal/version"
	"github.com/flowtrux/edge/runtime/tracing"
)

// serviceName is the name under which spans are found, unless OTEL_SERVICE_NAME or
// OTEL_RESOURCE_ATTRIBUTES set one.
const serviceName = "flowtrux"

// exportWait is how long the last spans are exported at most, when the process or its last config
// that traces ends.
const exportWait = time.Second

// pooledTracer is what traces executions. There is one in the process: its settings are environment
// variables. It has a provider of its own, because that of Caddy's directive `tracing` can only be
// had within a request, and most accepted executions outlive theirs.
type pooledTracer struct {
	*tracing.Tracer
	provider *sdktrace.TracerProvider
}

// Destruct exports the last spans.
func (p pooledTracer) Destruct() error {
	ctx, cancel := context.WithTimeout(context.Background(), exportWait)
	defer cancel()
	if err := p.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("exporting the last spans: %w", err)
	}
	return nil
}

// flush exports the spans of executions that have ended.
func (p pooledTracer) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), exportWait)
	defer cancel()
	_ = p.provider.ForceFlush(ctx) // the exporter has logged why
}

// acquireTracer acquires the tracer, if the config has one.
func (a *App) acquireTracer() error {
	if !a.Tracing {
		return nil
	}
	t, release, err := acquire("tracing", "", newTracer)
	if err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	a.life.onEnd(release)
	a.tracer, a.flushSpans = t.Tracer, t.flush
	return nil
}

// newTracer makes a tracer from the environment variables of OpenTelemetry.
func newTracer() (pooledTracer, error) {
	sampler, err := samplerOf(os.Getenv("OTEL_TRACES_SAMPLER"), os.Getenv("OTEL_TRACES_SAMPLER_ARG"))
	if err != nil {
		return pooledTracer{}, err
	}
	if off, err := strconv.ParseBool(os.Getenv("OTEL_SDK_DISABLED")); err == nil && off {
		sampler = sdktrace.NeverSample()
	}
	exporter, err := autoexport.NewSpanExporter(context.Background())
	if err != nil {
		return pooledTracer{}, fmt.Errorf("making the exporter from OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_*: %w", err)
	}
	if autoexport.IsNoneSpanExporter(exporter) {
		sampler = sdktrace.NeverSample()
	}
	res, err := spanResource()
	if err != nil {
		return pooledTracer{}, err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // the Tracer asks only for what is sampled
		sdktrace.WithBatcher(&loggingExporter{SpanExporter: exporter, log: processLog("flowtrux.tracing"), lines: newLineLimit()}),
		sdktrace.WithResource(res),
	)
	tracer := provider.Tracer("github.com/flowtrux/edge", trace.WithInstrumentationVersion(version.Version()))
	return pooledTracer{tracing.New(tracer, func(ctx context.Context, id trace.TraceID) bool {
		return sampler.ShouldSample(sdktrace.SamplingParameters{ParentContext: ctx, TraceID: id}).Decision == sdktrace.RecordAndSample
	}), provider}, nil
}

// spanResource describes this process to who receives its spans.
func spanResource() (*resource.Resource, error) {
	own := resource.NewSchemaless(attribute.String("service.name", serviceName), attribute.String("service.version", version.Version()))
	given, err := resource.New(context.Background(), resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	all, err := resource.Merge(own, given)
	if err != nil {
		return nil, fmt.Errorf("describing the process to receivers of spans: %w", err)
	}
	return all, nil
}

// samplerOf returns the sampler that the values of OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG
// name. The SDK would take the default for a wrong value, which samples everything.
func samplerOf(name, arg string) (sdktrace.Sampler, error) {
	name, arg = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(arg)
	ratio := 1.0
	if strings.HasSuffix(name, "traceidratio") && arg != "" {
		var err error
		if ratio, err = strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is '%s'; it is a number from 0 to 1", arg)
		}
	}
	switch name {
	case "", "parentbased_always_on":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	case "parentbased_traceidratio":
		return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio)), nil
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(ratio), nil
	}
	return nil, fmt.Errorf("OTEL_TRACES_SAMPLER is '%s'; it can be always_on, always_off, traceidratio, "+
		"parentbased_always_on, parentbased_always_off or parentbased_traceidratio", name)
}

// loggingExporter logs what its exporter could not export, at a bounded rate. The SDK would pass
// the errors to a handler that all of the process shares.
type loggingExporter struct {
	sdktrace.SpanExporter
	log   *zap.Logger
	lines *lineLimit
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *loggingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	if ok, leftOut := e.lines.allow(time.Now()); ok {
		e.log.Warn("spans were not exported and are lost", zap.Int("spans", len(spans)), zap.Int("left_out", leftOut), zap.Error(err))
	}
	return nil
}
