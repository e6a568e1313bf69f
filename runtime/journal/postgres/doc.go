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
//	meta        one row: the version of the schema, what it consists of, whose it is, and its seal
//	machines    a row for each time that a journal was opened: its incarnation
//	lacks       which machine cannot run which documents
//	keys        idempotency keys, with their stored responses
//	counts      counters by the hour, of all machines together
//	moves       how far each move has come that was imported
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
// So are the functions accept_<hour>_<digest>, checkpoint_<hour>_<digest>, finish_<hour>_<digest>.
//
// Statements of one execution name the table of its hour: they are planned as if there were no
// other hours. Lists read hour by hour, from the newest on. The primary keys begin with the id, as
// a table of an hour has one hour only.
//
// # Machines, leases and fences
//
// Open inserts a row into machines. Its number, the incarnation, is stored in each claim. It is
// random: a standby that was promoted may not know the latest ones, and must not give them to
// others. A third of the lease apart, the machine moves the time until which it is believed to
// live. Only the database's clock is read for it: those of the machines may differ by hours.
// There is no lease of a single execution, and nothing is written for one while it runs.
//
// Whoever finds a machine whose time is over locks its row, marks it as ended and returns its
// claims, each with one more death, in one transaction. Every transaction that writes for a machine
// locks that machine's row first and finds it not ended. So one of two happens: the write is
// committed before the machine is ended, and the next holder sees it; or the machine is ended, and
// the write is refused with journal.ErrLeaseLost. A machine that was stopped, or could not reach
// the database, for longer than its lease ends itself before it writes, whether somebody else has
// or not: what it held is then claimed again.
//
// A single lease of which nothing could be read for two thirds of its time is given up by its
// holder. It is given back when the database answers.
//
// A machine whose process is gone is also ended at once by the next journal that is opened on the
// same host with the same name: the kernel tells that no process with its number and start time
// exists. See process.
//
// # Transactions
//
// Commit: one goroutine, the committer, writes. It takes the operations that wait, up to a bound,
// into one transaction, sent as one batch without waiting in between. If several waited for the
// transaction before, and few wait now, it waits a millisecond for more:
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
// Operations of one kind and hour share the call of a function of that hour. Parsing and planning
// cost the server more than the rows of a group do, and it keeps the plans of functions. The name
// of a function has a digest of its definition, so that machines of different versions each call
// their own. Functions are made with the tables of their hour, again when they were dropped or
// altered by hand, and dropped with the tables. Other statements go as texts; nothing is prepared
// in the server. Statements look rows up by their index, one by one, whatever the planner would
// like: see fence. Their descriptions are kept by this process, so that arguments go as binary.
//
// Accept takes the key, if it is free, expired, its own, or reserved by a machine that has ended;
// inserts the entry if it has the key, and neither the entry nor a record exists. An acceptance
// that was not inserted is sent again alone, and reads what is there: that tells a duplicate, a key
// of another body, and an id that exists. Limits are checked before it by the committer.
//
// An acceptance of a machine that is claiming inserts its entry as claimed by that machine. So most
// executions need no statement for their claim, and no change of a row. See ahead.go.
//
// Claim, for all others, is a transaction of its own, without waiting for the disk: a claim that
// the database forgets is refused at its first write. Each machine keeps the ids of pending entries
// in turn between workflows, in memory. It learns them from its own acceptances, and from reading
// pending in the order of the accepting machines' numbers, from where it has read last. The
// committer makes that order the order in which rows appear. The claim locks the rows of the chosen
// ids for update, skips those that another has locked, and takes those that nobody holds. It does
// not search, so rows that are dead but still seen by a long transaction elsewhere cost it nothing.
//
// Checkpoint updates the row of pending if its holder and the number of its claim are those of the
// lease, and inserts the step. Finish deletes that row, and inserts the record if it has deleted
// it. Release empties the holder. Released entries and those of dead machines are found by a small
// index of their own.
//
// The row of pending is changed in place, if at all, and deleted at the end. It has the only rows
// that die one by one; no search that a claim depends on passes over them.
//
// The committer has connections of its own, so that lists do not keep it waiting. All transactions
// are read committed and bounded by the server as well, whatever the role is set to: those of a
// machine that was stopped in the middle of one hold no other machine up.
//
// # While the database is away
//
// Open succeeds, and it is tried again in the background. What a sender waits for is refused within
// two seconds, and reads within four. What was sent without a reply is repeated until its caller
// leaves. A claim or a release without a reply is given back when the database answers.
//
// # Durability
//
// fsync and the standbys are read at the start and each minute. With Options.Require
// journal.Replicated, each transaction fails in a server whose list of synchronous standbys is
// empty; with one, the server waits for them.
//
// # Retention
//
// Tables of an hour are dropped when the hour is older than the retention and nothing in it is
// pending. lock_timeout is 50 ms, and a table that is in use is tried again a minute later: a drop
// that waits in line behind a backup would hold up everything that comes after it.
//
// # Moves
//
// A schema is sealed in one transaction that locks the row of meta, ends the machines that have
// died, and finds that none lives. A machine announces itself only after it has read, under a lock
// of that row, that there is no seal. As each write proves that its machine lives, none comes after
// the seal. What is read of a sealed schema is the same each time, except for what expires.
//
// An import stores each item by a statement that also notes its place, and does nothing if the move
// has come there before. So it can be repeated by the committer, after a crash, and by others at
// the same time. Imported entries are found by all machines as accepted ones are.
//
// # Compatibility
//
// The package is not stable yet.
package postgres
