// Package postgres is a journal that several machines share: one schema of a PostgreSQL database.
// Whichever machine accepts an execution, any of them can run, show and cancel it, and those that
// live on take over what a dead one has left.
//
// The package keeps no state in database sessions: no prepared statement, no listener, no advisory
// lock that outlives a transaction, no setting that is not local to one. Poolers in transaction
// mode work.
//
// # The schema
//
//	meta        one row: the version of the schema
//	machines    a row for each time that a journal was opened: its incarnation
//	keys        idempotency keys, with their stored responses
//
// The other tables are divided by the hour in the execution's id, as the files of other engines
// are, so that retention drops whole tables. <hour> is the number of hours since 1970.
//
//	entries_<hour>    what an execution is run from; rows are never changed
//	documents_<hour>  workflow documents, each once an hour
//	pending_<hour>    a small row for each entry that has not ended: who works on it
//	steps_<hour>      completed nodes of such entries
//	records_<hour>    records of ended executions
//
// Statements of one execution name the table of its hour: they are planned as if there were no
// other hours. Lists and counts read the partitioned tables above them.
//
// # Machines, leases and fences
//
// Open inserts a row into machines. Its number, the incarnation, is stored in each claim. A third
// of the lease apart, the machine moves the time until which it is believed to live. Only the
// database's clock is read for it: those of the machines may differ by hours. There is no lease of
// a single execution, and nothing is written for one while it runs.
//
// Whoever finds a machine whose time is over locks its row, marks it as ended and returns its
// claims, each with one more death, in one transaction. Every transaction that writes for a machine
// locks that machine's row first and finds it not ended. So one of two happens: the write is
// committed before the machine is ended, and the next holder sees it; or the machine is ended, and
// the write is refused with journal.ErrLeaseLost. A machine that was stopped for a minute and goes
// on is refused if somebody has ended it, and goes on if nobody has.
//
// A machine whose process is gone is also ended at once by the next journal that is opened on the
// same host with the same name: the kernel tells that no process with its number and start time
// exists. See process.
//
// # Transactions
//
// Commit: one goroutine, the committer, writes. It takes the operations that wait, up to a bound,
// into one transaction, sent as one batch without waiting in between:
//
//	begin; synchronous_commit = on, and bounds of the time, local to the transaction
//	lock the row of this machine, for no key update; read whether it has ended
//	the statements of each operation; each decides by what it finds, and none fails for it
//	commit
//
// The lock makes the transactions of one machine follow one another, also when the machine sends a
// new one while the server still ends one whose connection broke. It also makes each transaction
// write: its commit then waits for everything that was committed before.
//
// A commit counts only if its reply came without a warning. "The transaction has already committed
// locally, but might not have been replicated" is a warning to a commit that succeeds. After a
// warning, or when the connection breaks, nothing is promised: the same operations are sent again,
// on another connection. Each finds by the number of its machine and its own whether it was done.
//
// Accept takes the key, if it is free, expired, its own, or reserved by a machine that has ended;
// inserts the entry if it has the key, and neither the entry nor a record exists; then reads what
// is there now. That tells the acceptance, a duplicate, a key of another body, and an id that
// exists. Limits are checked before it by the committer.
//
// Claim is a transaction of its own, without waiting for the disk: a claim that the database
// forgets is refused at its first write. Each machine keeps the ids of pending entries in turn
// between workflows, in memory. It learns them from its own acceptances, and from reading
// pending in the order of the accepting machines' numbers, from where it has read last. The
// committer makes that order the order in which rows appear. The claim locks the row of the
// chosen id for update, skips it if another has it locked, and takes it if nobody holds it. It does
// not search, so rows that are dead but still seen by a long transaction elsewhere cost it nothing.
//
// Checkpoint updates the row of pending if its holder and the number of its claim are those of the
// lease, and inserts the step. Finish deletes that row, and inserts the record if it has deleted
// it. Release empties the holder. Released entries and those of dead machines are found by a small
// index of their own.
//
// The row of pending is changed once by a claim, in place, and deleted at the end. It has the only
// rows that die one by one; no search that a claim depends on passes over them.
//
// # Retention
//
// Tables of an hour are dropped when the hour is older than the retention and nothing in it is
// pending. lock_timeout is 50 ms, and a table that is in use is tried again a minute later: a drop
// that waits in line behind a backup would hold up everything that comes after it.
//
// # Compatibility
//
// The package is not stable yet.
package postgres
