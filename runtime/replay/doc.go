// Package replay makes the calls in a record again, offline, and compares what they give with the
// record.
//
// A replayed call gets the recorded input, clock, random numbers and responses of the host. It
// reaches neither the network nor a store.
package replay
