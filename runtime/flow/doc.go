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
