// Package tracing makes the OpenTelemetry spans of executions: one of the execution, below it one
// of each node, and below that one of each request that the node sends.
//
// It uses the API of OpenTelemetry only. Who makes the provider decides where spans go. Whether a
// trace is sampled is decided once, when a request arrives, and is kept with the execution: in its
// event, and in the journal's entry. So an execution that goes on after a crash, on another
// machine, or that is rerun, stays in its trace, or stays out of it.
//
// Spans tell what ran, how long and with what error code. They never hold values of a workflow, and
// messages of errors may contain such values.
//
// A nil *Tracer makes no spans, a nil *Execution is not sampled, and neither allocates.
package tracing
