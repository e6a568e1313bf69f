// Package engine runs executions of workflows. It walks a plan, calls the nodes in their sandboxes
// and returns a result.
//
// [Nodes] are the node types of one configuration. A plan (package flow) bound to them is a
// [Program]. An [Engine] runs programs within its [Limits]: [Engine.Acquire] takes a slot, and
// [Execution.Run] returns a [Result].
//
// The package knows nothing about HTTP, signatures, or Caddy. Package executor runs the executions
// of a journal, package record makes records, and package response turns a Result into a response.
//
// # How a plan runs
//
// A node is settled once it has completed or failed, or is known not to run. Once all nodes before
// a node are settled, its turn comes:
//
//   - If one of them failed unhandled, or was itself stopped, the node is stopped, whatever its
//     other edges.
//   - Otherwise, if one of its edges was taken, the node runs.
//   - Otherwise it is skipped.
//
// An edge is taken if the node it comes from has completed with the edge's handle. The handle is ""
// on success, and "error" for a failed node with an error edge. For a node that routes (condition,
// switch) it is the label that the node chose. A node that fails with onError "continue" and
// without an error edge completes with the handle "": its success edges are taken. Routing nodes
// have no success edges, so after such a failure the nodes that depend on them are skipped. A
// handled failure has the output {"error":{"code":…,"message":…}}.
//
// Nodes whose turn comes together run at the same time. One of them stays on the current goroutine,
// so a plan without branches runs on its caller's. The result of a plan does not depend on which
// node is faster.
//
// # Time, size and failure
//
// The timeout of an attempt, of a node or of an item of forEach, is the shortest of three:
// Limits.NodeTimeout, its module's and its own. A failed attempt is retried up to the node's number
// of attempts, after a backoff that doubles each time. A Fatal error is not retried, and neither is
// one that a retry cannot fix. With forEach, the failing item with the lowest index fails the node.
// Later items are canceled and earlier ones end first, so the same input gives the same error.
//
// Limits.ExecutionMemory covers the trigger's event, all outputs, and the configs in use. While
// several nodes resolve their configs at once, each may hold up to Limits.NodeInput bytes that are
// not counted yet.
//
// A panic in the host while a node runs fails the node with the code "internal". Its stack is
// logged.
package engine
