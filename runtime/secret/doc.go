// Package secret keeps the texts of secrets out of what an execution shows.
//
// [Texts] holds the secrets that an execution has resolved so far and masks them in messages and
// log lines; a [Masker] masks them in JSON values. [References] stand for secrets in the config of
// a node that must not see them: the host puts the secrets back into the requests that the node
// makes.
package secret
