// Package replay repeats the calls in a record offline and compares the results with the record.
//
// A replayed call gets the recorded input, clock, random numbers and responses of the host. It
// reaches neither the network nor a store.
package replay
