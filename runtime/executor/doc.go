// Package executor keeps the promises of a journal: it accepts executions, claims and runs those
// that are due, extends their leases, and drains when the process ends. It also runs executions
// whose senders wait, and holds idempotency keys for them and for the duplicates that wait.
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
// In the states:
//
//   - pending: the journal has the entry, and no process has a lease of it. Cancel ends it at once.
//   - claimed: this process has the lease, and the execution waits for a slot. It is released when
//     its workflow keeps it waiting.
//   - running: each node that completes gets a checkpoint before its dependents start. The
//     execution is released when the executor closes or the journal fails, and is pending again
//     when its lease lapses or the process dies. Its next run takes over the steps.
//   - running, a sender waits: the journal does not have it. When the process dies it is lost; the
//     sender was promised nothing.
//   - adopted: the sender has waited too long and was promised that the execution continues. It
//     runs on where it ran, and from here on is like any other that the journal has.
//   - ended: the record is in the journal, unless LimitRecords has left it out.
package executor
