package adminapi

import "time"

// SecretList is the response of GET secrets.
type SecretList struct {
	Secrets []Secrets `json:"secrets"` // sorted by id
}

// Secrets are the secrets of one workflow: the response of GET secrets/{id}, and a row of
// SecretList. The text of a secret is never shown.
type Secrets struct {
	ID       string   `json:"id"` // the workflow
	Revision int64    `json:"revision"`
	Workflow bool     `json:"workflow"` // there is a workflow with this id
	Live     int      `json:"live"`     // how many have not expired
	Secrets  []Secret `json:"secrets"`  // the live ones
	// Problem is why what is stored is no secret. Only rows of SecretList have it.
	Problem string `json:"problem,omitempty"`
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
