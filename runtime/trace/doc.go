// Package trace collects data for the record of an execution while it runs. A trace has log lines,
// the globals that templates read, and the calls of nodes to the host.
//
// Most executions are never recorded. So a [Trace] is bounded, and holds only data that cannot be
// reconstructed after the execution has ended.
package trace
