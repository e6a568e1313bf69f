// Package executor runs the executions of a journal.
//
// An [Executor] accepts executions, claims and runs those that are due, extends their leases, and
// drains when the process ends. It also runs executions while their senders wait. It reserves
// idempotency keys for them and lets duplicates wait for their responses.
//
// # The states of an execution
//
//	Accept ──▶ pending ──Claim──▶ claimed ──Begin──▶ running ──Finish──▶ ended
//	              ▲                  │                  │
//	              └──────Release─────┴──────Release─────┘
//
//	Await ───▶ running, a sender waits ───────────────Put──────────────▶ ended
//	              │
//	              └──Adopt──▶ adopted ────────────────Finish───────────▶ ended
//	                             │
//	                             └──Release──▶ pending
//
// The states:
//
//   - pending: the journal has the entry, and no process leases it. Cancel ends it at once.
//   - claimed: this process has the lease, and the execution waits for a slot. It is released if
//     its workflow is at its limit.
//   - running: each completed node gets a checkpoint before its dependents start. After the last
//     node the execution ends, so that one needs none. The execution is released when the executor
//     closes or the journal fails. It is pending again when its lease lapses or the process dies.
//     The next run takes over the steps.
//   - running, a sender waits: the journal does not have the execution. It is lost if the process
//     dies; the sender was promised nothing.
//   - adopted: the sender has waited too long and was promised that the execution continues. The
//     execution runs on where it is. From here on it is like any other in the journal.
//   - ended: the record is in the journal, unless LimitRecords has left it out.
//
// Each change of state is published in a feed, and so are the nodes while an execution runs: see
// PublishTo.
package executor
