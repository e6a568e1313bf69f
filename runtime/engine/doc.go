// Package engine runs executions of workflows: it walks a plan, calls the nodes in their sandboxes
// and returns how the execution ended.
//
// [Nodes] are the node types of one configuration. A plan (package flow) bound to them is a
// [Program], and an [Engine] runs programs within its [Limits]: [Engine.Acquire] takes a slot, and
// an [Execution] runs to its end and returns a [Result].
//
// The package knows nothing of HTTP, signatures, or Caddy. Package executor runs what a journal
// holds, package record makes records of executions, and package response makes a response of a
// Result.
//
// # How a plan runs
//
// A node is settled when it has completed, failed, or it is clear that it will not run. As soon as
// all nodes that a node has edges from are settled, its turn comes:
//
//   - If one of them failed unhandled, or was itself stopped, the node is stopped, whatever its
//     other edges.
//   - Else, if one of its edges was taken, the node runs.
//   - Else it is skipped.
//
// An edge is taken when the node it comes from has completed with the edge's handle: "" on success,
// the label that a node chose that routes (condition, switch), "error" when a node that has an
// error edge failed. A node that fails with onError "continue" and without an error edge completes
// with the handle "": its success edges are taken. Routing nodes have no success edges, so one that
// fails that way leads nowhere and what depends on it is skipped. A handled failure has the output
// {"error":{"code":…,"message":…}}.
//
// Nodes whose turn comes together run at the same time, one of them on the goroutine that is there
// anyway: a plan without branches runs on its caller's. Nothing that a plan computes depends on
// which of them is faster.
//
// # Time, size and failure
//
// Each attempt of a node, and of each item of forEach, has the smallest of Limits.NodeTimeout, its
// module's timeout and its own. What failed is retried up to the node's number of attempts, after a
// pause that doubles each time; a Fatal error is not retried, and neither is one that another
// attempt cannot avoid. With forEach the failing item with the lowest index is the one that fails
// the node: items behind it are cancelled, items before it end first, so that the same input gives
// the same error.
//
// Limits.ExecutionMemory counts the trigger's event, all outputs, and the configs that are being
// used. While several nodes resolve their configs at once, each of them may hold up to
// Limits.NodeInput bytes that are not counted yet.
//
// A panic in the host while a node runs fails the node with the code "internal"; its stack goes to
// the log.
package engine
