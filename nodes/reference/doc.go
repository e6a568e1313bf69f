// Package reference has the nodes transform, condition, switch and http-request once more, in Go:
// what they do, written to be read. Tests compare the module that is shipped with it, whose sources
// in C are in nodes/builtin. No server links it.
package reference
