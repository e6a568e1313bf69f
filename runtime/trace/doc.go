// Package trace notes what happens in an execution while it runs, as far as its record needs it:
// log lines, the globals that templates have found, and what nodes have used of the host.
//
// Most executions are never recorded. A [Trace] therefore holds only what cannot be found out when
// the execution has ended, and within fixed bounds.
package trace
