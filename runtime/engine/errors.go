package engine

import "errors"

// ErrGone is the error of Engine.Acquire if the program's configuration has ended and its modules
// are closed.
var ErrGone = errors.New("the configuration of this workflow has ended")

// Codes of a NodeError. A node can return its own as well: at most 64 lower-case letters, digits
// and underscores.
const (
	// the node failed without a code that can be shown
	CodeNodeFailed = "node_failed"
	CodeTimeout    = "timeout"   // an attempt took too long
	CodeCancelled  = "cancelled" // the execution ended while the node ran
	// the node needed more memory than its module may use
	CodeMemory         = "memory"
	CodeTrap           = "trap"             // the node crashed
	CodeExit           = "exit"             // the node ended its own process
	CodeBadAnswer      = "bad_answer"       // the node's result is malformed
	CodeUnknownHandle  = "unknown_handle"   // the node chose a handle that it does not have
	CodeInputTooLarge  = "input_too_large"  // the resolved config exceeds Limits.NodeInput
	CodeOutputTooLarge = "output_too_large" // the output exceeds Limits.NodeOutput
	// the execution's values exceed Limits.ExecutionMemory
	CodeExecutionMemory = "execution_memory"
	CodeForEachNotArray = "foreach_not_array" // forEach did not resolve to an array
	CodeForEachTooMany  = "foreach_too_many"  // more items than Limits.ForEachItems
	CodeInternal        = "internal"          // a fault in the host, not in the node
)

// NodeError is why a node failed.
type NodeError struct {
	Code    string
	Message string // for records and responses: one line of at most 512 bytes, secrets masked
	Detail  error  // for logs; nil = none

	final bool // a retry cannot fix it
}

func (e *NodeError) Error() string { return e.Message }

// Unwrap returns the detail.
func (e *NodeError) Unwrap() error { return e.Detail }

// CodeCrashLoop is the code of an execution that was running each time the process died, and is no
// longer run.
const CodeCrashLoop = "crash_loop"

// CodeNodeUnavailable is the code of an accepted execution that no machine could run, of those that
// share its journal.
const CodeNodeUnavailable = "node_unavailable"

// CodeJournalFull is the code of an execution that ended because the journal had no room for its
// checkpoints. The workflow had used up its share, or the journal was full.
const CodeJournalFull = "journal_full"

// finalError returns the error of a limit or a rule, with a fixed text. A retry would end the same
// way.
func finalError(code, message string) *NodeError {
	return &NodeError{Code: code, Message: message, final: true}
}

// Causes for which an execution ends before its nodes do. See Execution.Interruption.
var (
	// ErrShutdown means that the executor is closing.
	ErrShutdown = errors.New("the executor is closing")
	// ErrCheckpoint means that the journal did not store a step.
	ErrCheckpoint = errors.New("the journal did not store a step")
)

// ErrEnded is the error of Execution.Adopt if the execution has ended.
var ErrEnded = errors.New("the execution has ended")
