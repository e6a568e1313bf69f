// Package feed tells clients what happens while it happens: executions and their nodes, and changes
// of workflows, secrets and globals.
//
// A [Feed] holds the latest events in a ring. A [Reader] gets those after its [Cursor] and waits
// for more. A client whose cursor is not in the ring any more, or is that of another process, is
// told to reset: it loads what it shows again, and continues from there.
//
// There is one feed for a process. Events are about everything that the process does, whichever
// configuration it does it with, and a client reads on with the same cursor after a reload.
//
// Publishing costs one atomic load while nobody reads, and is bounded while somebody does. At most
// so many executions a second are published with their nodes; for the others there are events that
// say how many they were. Each event is encoded once, whatever the number of readers.
//
// No event has a value, a secret or a secret global. Messages are those of records, with secrets
// masked.
package feed
