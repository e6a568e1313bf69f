// Package record makes the records of executions that have ended and stores them in the journal.
//
// A record shows values capped and with secrets masked. A [Recorder] records executions that were
// not in the journal while they ran, after their senders have got a response.
package record
