// Package flow compiles workflow documents: it decodes, validates and plans them. It also turns
// requests into events, and resolves templates over raw JSON.
//
// A document is JSON with nodes and edges. [Compile] turns it into a [Plan], which is immutable and
// shared by any number of executions. All mistakes in a document are collected in one
// [DocumentError], each with its JSON path and, where there is one, the nearest right word. A
// misspelled key is read as the one that is meant, so that no further problems follow from it. Node
// types come from manifests ([ParseType]), the schemes of webhook.signature from [Signatures]. A
// request becomes an [Event] ([NewEvent]). The strings of a node's config are parsed once into a
// [Template], which is resolved against the [Scope] of an execution.
//
// Values stay raw JSON from end to end: templates copy bytes, so the order of keys and the digits
// of numbers survive.
//
// The package is pure: it reads no files, no clock and no network, starts no goroutines, and runs
// nothing. Package engine runs plans.
//
// # Templates
//
// "{{ path }}" may stand in any string of a node's config, at any depth; keys of objects are fixed
// text. A path is a root and steps: .key (letters, digits, _ - $ @, and spaces between them), [0],
// ["any key"] (a JSON string). White space around steps is ignored. Package rawjson has the
// grammar.
//
//	trigger.data                       the request's body, with _query beside its keys
//	trigger.data._query                the query, also when the body is an array or a scalar
//	trigger.headers                    an object; names are in lower case
//	trigger.method, .clientIp          texts
//	trigger.receivedAt                 RFC 3339, UTC, milliseconds
//	steps.<node id>.output             the output of an upstream node; of the trigger: trigger.data
//	global.<key>                       a value of the workspace
//	item, index                        inside forEach; index counts from 0
//	execution.id, workflow.id, .name   texts
//
// A string that is exactly one template becomes the value itself, or null when it is missing. In
// all other strings templates become text: strings as they are, numbers and booleans as their JSON
// text, objects and arrays as compact JSON, null and missing values as nothing. \{{ is a literal
// {{. Nothing escapes a single brace or the backslash, so neither can stand directly before a
// template.
package flow
