// Package crash is for tests that take something away from a Caddy: its process, its disk, the
// power. A [Server] is a process of its own that can be killed; [Senders] load it with webhooks and
// take down what it has promised; a [Target] takes down what nodes do outside; [ReadKept] tells
// what a journal's file holds. Nothing of it is safe for use by others than who made it, unless it
// says so.
package crash
