package main

import (
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/runtime/journal"
)

// newID returns the n-th execution id with the current time.
func newID(n uint64) []byte {
	var id ulid.ULID
	_ = id.SetTime(ulid.Now()) // fails only after the year 10889
	for i := range 8 {
		id[15-i] = byte(n >> (8 * i))
	}
	text, _ := id.MarshalText() // never fails
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c | 0x20
		}
	}
	return append([]byte("exec-"), text...)
}

// newEntry returns an accepted execution of a workflow.
func newEntry(n uint64, id string, revision int64, document string) *journal.Entry {
	now := time.Now().UTC()
	return &journal.Entry{
		ID: string(newID(n)), Workflow: id, Revision: revision, Document: []byte(document), AcceptedAt: now,
		Data: kilobyte, Query: []byte(`{}`), Headers: []byte(`{"content-type":"application/json"}`),
		Method: "POST", ClientIP: "127.0.0.1", ReceivedAt: now,
	}
}

// newRecord returns the record of an execution with one node.
func newRecord(e *journal.Entry, s journal.Step) *journal.Record {
	r := new(journal.Record)
	r.Status, r.Mode, r.StartedAt, r.EndedAt = journal.Succeeded, "minimal", e.AcceptedAt, time.Now().UTC()
	r.Trigger = &journal.Trigger{
		Data: journal.Value{Text: string(e.Data)}, Headers: journal.Value{Text: string(e.Headers)}, Method: e.Method, ClientIP: e.ClientIP, ReceivedAt: e.ReceivedAt,
	}
	r.Nodes = []journal.NodeRecord{{ID: s.Node, Type: "transform", State: "completed", Attempts: 1, StartedAt: e.AcceptedAt, Output: journal.Value{Text: string(s.Output)}}}
	return r
}
