package flow

import "time"

// Event is one firing of a trigger. Its bytes are raw JSON, owned by the event and never changed.
type Event struct {
	Data       []byte // trigger.data, canonical (rawjson.AppendCanonical), `_query` included when it is an object
	Query      []byte // trigger.data._query: always an object
	Headers    []byte // trigger.headers: an object of strings, lower-case names
	Method     string
	ClientIP   string
	ReceivedAt time.Time
}

// Scope is what templates can see. It is used by one goroutine at a time.
type Scope struct {
	Plan        *Plan
	ExecutionID string
	Event       *Event
	Outputs     [][]byte                                 // by node index: raw JSON, nil = no output
	Global      func(key string) (value []byte, ok bool) // raw JSON
	Item        []byte                                   // inside forEach, else nil
	Index       int                                      // inside forEach

	// Secrets collects the values of __secret globals that were resolved, so that the engine can mask them
	// in what it shows. Append adds to it.
	Secrets [][]byte
}
