// Package executor keeps the promises of a journal: it accepts executions, claims and runs those
// that are due, extends their leases, and drains when the process ends. It also runs executions
// whose senders wait, and holds idempotency keys for them and for the duplicates that wait.
//
// # The states of an execution
//
//		            Accept                                     Await
//		              │                                          │
//		              ▼                                          ▼
//		         ┌─────────┐  Claim   ┌─────────┐         ┌────────────┐
//		         │ pending │─────────▶│ claimed │         │  running   │
//		         └─────────┘          └─────────┘         │ (a sender  │
//		           ▲  ▲  │ Cancel       │     │           │   waits)   │
//		           │  │  │              │     │           └────────────┘
//		  Release  │  │  │      Release │     │ Begin       │        │
//		 (no slot) │  └──┼──────────────┘     │             │        │ timeout with
//		           │     │                    ▼             │        │ onTimeout "accept"
//		           │     │            ┌─────────────┐       │        ▼
//		           │     │            │   running   │       │   ┌─────────┐
//		           ├─────┼────────────│ (journaled) │       │   │ adopted │
//		           │     │  Release,  └─────────────┘       │   └─────────┘
//		           │     │  lease lost       │              │     │     │
//		           └─────┼───────────────────┼──────────────┼─────┘     │
//		                 │                   │ Finish       │ Put       │ Finish
//		                 ▼                   ▼              ▼           ▼
//		              ┌────────────────────────────────────────────────────┐
//		              │                       ended                        │
//		              └────────────────────────────────────────────────────┘
//
//	  - pending: the journal has the entry, and no process has a lease of it.
//	  - claimed: this process has the lease; the execution waits for a slot. It goes back when its
//	    workflow keeps it waiting.
//	  - running, journaled: each node that completes gets a checkpoint before its dependents start. It
//	    goes back to pending when the executor closes, the journal fails, or the process dies; its next
//	    run takes over the steps.
//	  - running while a sender waits: the journal does not know it. When the process dies it is lost,
//	    and the sender got no promise.
//	  - adopted: the sender has waited too long and was promised that the execution continues. It runs
//	    on in the same goroutine and is from here on like one that is journaled.
//	  - ended: the record is in the journal, unless LimitRecords left it out.
package executor
