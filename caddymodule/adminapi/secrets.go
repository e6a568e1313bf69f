package adminapi

import "time"

// Secrets is the response of GET secrets/{id}. The text of a secret is never shown.
type Secrets struct {
	ID      string   `json:"id"`   // the workflow
	Live    int      `json:"live"` // how many have not expired
	Secrets []Secret `json:"secrets"`
}

// Secret is one live secret of a workflow.
type Secret struct {
	ExpiresAt *time.Time `json:"expiresAt,omitempty"` // nil = it does not expire
}

// StoredSecret is the response of PUT secrets/{id}.
type StoredSecret struct {
	ID       string `json:"id"`   // the workflow
	Live     int    `json:"live"` // how many have not expired
	Revision int64  `json:"revision"`
}
