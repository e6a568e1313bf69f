// Package slots bounds the number of concurrent executions, of the server and of each workflow.
//
// A slot is a permit to run. If none is free, callers wait in queues, each with a bound.
package slots
