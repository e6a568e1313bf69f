package adminapi

import "encoding/json"

// Events is the response of GET events: what has happened after a cursor.
type Events struct {
	// Events are in order; package feed has their types.
	Events []json.RawMessage `json:"events"`
	Next   string            `json:"next"` // the cursor of the next request
	// Reset means that events are missing before Next: the client has to load again what it shows.
	// There are no Events then.
	Reset bool `json:"reset,omitempty"`
}
