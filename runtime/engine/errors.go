package engine

import "errors"

// ErrGone is the error of Engine.Acquire when the program's configuration has ended and its modules
// are closed.
var ErrGone = errors.New("the configuration of this workflow has ended")

// Codes of a NodeError. Besides these, a node gives its own: lower-case letters, digits and
// underscores, at most 64.
const (
	// the node failed and gave no code, or none that can be shown
	CodeNodeFailed = "node_failed"
	CodeTimeout    = "timeout"   // an attempt took longer than it may
	CodeCancelled  = "cancelled" // the execution ended while the node ran
	// the node wanted more memory than its module may have
	CodeMemory         = "memory"
	CodeTrap           = "trap"             // the node crashed
	CodeExit           = "exit"             // the node ended its own process
	CodeBadAnswer      = "bad_answer"       // the node's answer is not one
	CodeUnknownHandle  = "unknown_handle"   // the node chose a way that its type does not have
	CodeInputTooLarge  = "input_too_large"  // the resolved config is over Limits.NodeInput
	CodeOutputTooLarge = "output_too_large" // the output is over Limits.NodeOutput
	// the execution's values are over Limits.ExecutionMemory
	CodeExecutionMemory = "execution_memory"
	CodeForEachNotArray = "foreach_not_array" // forEach did not give an array
	CodeForEachTooMany  = "foreach_too_many"  // more items than Limits.ForEachItems
	CodeInternal        = "internal"          // a fault of the host, not of the node
)

// NodeError is why a node failed.
type NodeError struct {
	Code    string
	Message string // for records and answers: one line of at most 512 bytes, secrets masked
	Detail  error  // for logs; nil = nothing to add

	final bool // another attempt cannot mend it
}

func (e *NodeError) Error() string { return e.Message }

// Unwrap returns the detail.
func (e *NodeError) Unwrap() error { return e.Detail }

// CodeCrashLoop is the code of an execution that was running in several deaths of the process and
// is not run any more.
const CodeCrashLoop = "crash_loop"

// CodeJournalFull is the code of an execution that could not go on because the journal had no room
// for what its nodes have completed: the workflow has its share of it, or it is full.
const CodeJournalFull = "journal_full"

// finalError returns the error of a limit or a rule, whose message is a fixed text. Another attempt
// would end the same way.
func finalError(code, message string) *NodeError {
	return &NodeError{Code: code, Message: message, final: true}
}

// Causes of the end of an execution before its nodes have ended. See Execution.Interruption.
var (
	// ErrShutdown means that the executor is closing.
	ErrShutdown = errors.New("the executor is closing")
	// ErrCheckpoint means that the journal did not store a step.
	ErrCheckpoint = errors.New("the journal did not store a step")
)

// ErrEnded is the error of Execution.Adopt when the execution has ended.
var ErrEnded = errors.New("the execution has ended")
