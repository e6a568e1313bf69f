// Package secret hides secrets in messages, log lines, records and configs of nodes.
//
// [Texts] holds the secrets that an execution has resolved so far, and masks them in messages and
// log lines. A [Masker] masks them in JSON values. [References] replace secrets in the config of a
// node that must not see them. The host puts the secrets back into the node's requests.
package secret
