// Package record makes the records of ended executions.
//
// A record shows values with secrets masked, up to a size. [Of] makes one, and package executor
// stores it with the end of a journaled execution. A [Recorder] stores the records of other
// executions, after their senders have received a response.
package record
