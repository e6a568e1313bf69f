// Package flow is the workflow document: it decodes, validates and plans documents, makes events of
// requests, and resolves templates.
//
// A document is JSON with nodes and edges. [Compile] turns it into a [Plan], which never changes
// and which any number of executions share; all that is wrong with a document is collected in one
// [DocumentError], each problem with its JSON path. What node types demand comes from their
// manifests ([ParseType]). A request becomes an [Event] ([NewEvent]), and a node's config, its
// strings parsed once into a [Template], is resolved against the [Scope] of an execution.
//
// Values stay raw JSON from end to end: templates copy bytes, so the order of keys and the digits
// of numbers survive.
//
// The package is pure: it reads no files, no clock and no network, starts no goroutines, and runs
// nothing. What runs plans is package engine; what checks webhook.signature is package signature.
//
// # Templates
//
// "{{ path }}" may stand in any string of a node's config, at any depth; keys of objects are fixed
// text. A path is a root and steps: .key (letters, digits, _ - $ @), [0], ["any key"] (a JSON
// string). White space between its parts is ignored.
//
//	trigger.data                       the request's body, with _query beside its keys
//	trigger.data._query                the query, also when the body is an array or a scalar
//	trigger.headers                    an object; names are in lower case
//	trigger.method, .clientIp          texts
//	trigger.receivedAt                 RFC 3339, UTC, milliseconds
//	steps.<node id>.output             the output of an upstream node; of the trigger it is trigger.data
//	global.<key>                       a value of the workspace
//	item, index                        inside forEach; index counts from 0
//	execution.id, workflow.id, .name   texts
//
// A string that is one template alone, without a character around it, becomes the value itself,
// null when it is missing. In all other strings templates become text: strings as they are, numbers
// and booleans in their JSON text, objects and arrays as compact JSON, null and missing values as
// nothing. \{{ is a literal {{. Nothing escapes a single brace or the backslash, so neither can
// stand directly before a template.
package flow

import "strings"

// Bounds of documents and values. They are part of the format, not settings.
const (
	MaxDocument = 1 << 20 // bytes of a document
	MaxNodes    = 256     // nodes of a document
	MaxDepth    = 512     // levels of objects and arrays in a document or request body
	MaxProblems = 50      // problems that are collected before the rest is left for the next try

	// MaxPrepareFuel is what may be burnt to prepare all nodes of a document together, in units of
	// fuel: the same on every machine, and the top level of JavaScript for about a second on a fast
	// core. Of a source that declares functions it is some 10 MB. A document that is in a store
	// already may burn PrepareFuelStored: an earlier version gave each node 2 seconds.
	MaxPrepareFuel    = 150_000_000_000
	PrepareFuelStored = 4 * MaxPrepareFuel

	maxManifest  = 128 << 10 // bytes of a manifest
	maxTemplates = 1000      // templates of one node
	maxHandles   = 256       // handles of one node
)

// TypeTrigger is the type of the node that every workflow begins with.
const TypeTrigger = "trigger"

// secretPrefix begins the keys of global values that must not show.
const secretPrefix = "__secret"

// IsSecretGlobal tells whether the value of the global key must be masked wherever it would show.
func IsSecretGlobal(key string) bool { return strings.HasPrefix(key, secretPrefix) }

// ValidID tells whether s may be the id of a workflow or node: a letter or digit, then at most 63
// letters, digits, - or _.
func ValidID(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '-' || s[0] == '_' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
