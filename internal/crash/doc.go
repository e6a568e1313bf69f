// Package crash is for tests that take something away from a Caddy server: its process, its disk,
// the power. A [Server] is a process that can be killed. [Senders] load it with webhooks and record
// which it has accepted. A [Target] records the requests of its nodes. [DumpJournal] reads the
// journal's file. Types are for one goroutine unless they say otherwise.
package crash
