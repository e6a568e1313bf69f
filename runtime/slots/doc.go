// Package slots bounds how many executions run at the same time: those of the server and those of
// each workflow.
//
// A slot is a permit to run. Callers that find none free wait in queues, each with a bound.
package slots
