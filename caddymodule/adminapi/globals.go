package adminapi

import "encoding/json"

// Globals is the response of GET globals.
type Globals struct {
	Globals []Global `json:"globals"`
}

// Global is one row of Globals. The value of a secret global is shown as "***". GET globals/{key}
// returns the value alone.
type Global struct {
	Key      string          `json:"key"`
	Value    json.RawMessage `json:"value"`
	Revision int64           `json:"revision"`
	Secret   bool            `json:"secret"` // its value is not shown
}

// StoredGlobal is the response of PUT globals/{key}.
type StoredGlobal struct {
	Key      string `json:"key"`
	Revision int64  `json:"revision"`
}
