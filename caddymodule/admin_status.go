package caddymodule

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/internal/version"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/store"
)

// getStatus writes the state of what this config uses, and what has to be fixed, worst first: the
// store, the journal, then documents and secrets.
func getStatus(app *App, w http.ResponseWriter, r *http.Request) error {
	st := app.mirror.Status()
	pending, err := app.journal.Stats(r.Context())
	if errors.Is(err, journal.ErrUnavailable) {
		pending, err = journal.Stats{Fault: err.Error(), DiskFree: -1}, nil
	}
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: fmt.Errorf("asking the journal: %w", err)}
	}
	memory := app.budget.Usage()
	var machines []adminapi.MachineStatus
	var ofMachines []adminapi.Trouble
	if pending.Fault == "" {
		machines, ofMachines = app.machines(r.Context())
	}
	s := adminapi.Status{
		Version:    version.Version(),
		Durability: string(app.durability()),
		Machines:   machines,
		Store:      adminapi.StoreStatus{Engine: st.Engine, State: string(st.State), Revision: st.Revision, Since: st.Since, Error: st.Err},
		Journal:    journalStatus(pending, app.executor.NotRecorded()),
		Executions: adminapi.ExecutionStatus{InUse: app.engine.InUse(), Limit: app.Limits.Executions},
		Sandbox:    adminapi.SandboxStatus{Memory: memory.Used, Limit: memory.Limit, Waiting: memory.Waiting},
		Troubles:   []adminapi.Trouble{},
		Warnings:   []adminapi.Trouble{},
		Ready:      app.isLoaded(),
		Preparing:  []string{},
		Endpoints:  endpoints(),
		Started:    processStarted,
	}
	if st.State != store.Live {
		reason := "the store is " + string(st.State)
		if st.Err != "" {
			reason += ": " + st.Err
		}
		s.Troubles = append(s.Troubles, adminapi.Trouble{Where: "store", Reason: reason})
	}
	if pending.Fault != "" {
		s.Troubles = append(s.Troubles, adminapi.Trouble{Where: "journal", Reason: "it cannot be written: " + pending.Fault})
	}
	s.Warnings = append(s.Warnings, app.sharedWarnings(ofMachines)...)
	for _, wf := range app.catalog.List() {
		switch state := workflowState(wf); {
		case state == adminapi.StatePreparing:
			s.Workflows.Preparing++
			s.Preparing = append(s.Preparing, wf.ID)
		case state == adminapi.StateStale:
			s.Workflows.Stale++
		case state == adminapi.StateInvalid:
			s.Workflows.Invalid++
		case !wf.Active:
			s.Workflows.Inactive++
		default:
			s.Workflows.Serving++
		}
		for _, p := range wf.Problems {
			s.Troubles = append(s.Troubles, adminapi.Trouble{Where: catalog.WorkflowPrefix + wf.ID, Path: p.Path, Reason: p.Reason})
		}
		for _, p := range warnings(wf) {
			s.Warnings = append(s.Warnings, adminapi.Trouble{Where: catalog.WorkflowPrefix + wf.ID, Path: p.Path, Reason: p.Reason})
		}
		if trouble := secretTrouble(wf); trouble != "" {
			s.Troubles = append(s.Troubles, adminapi.Trouble{Where: catalog.SecretPrefix + wf.ID, Reason: trouble})
		}
		if err := checkSecrets(live(wf.Keys), wf.Scheme.CheckSecret); err != nil {
			s.Warnings = append(s.Warnings, adminapi.Trouble{Where: catalog.SecretPrefix + wf.ID, Reason: err.Error()})
		}
	}
	return writeJSON(w, http.StatusOK, s)
}

// journalStatus returns the journal's part of the status.
func journalStatus(s journal.Stats, notRecorded uint64) adminapi.JournalStatus {
	out := adminapi.JournalStatus{
		Pending: s.Pending, Running: s.Running, Bytes: s.Bytes, MaxBytes: s.MaxBytes,
		WritesPerSecond: s.WriteRate, NotRecorded: notRecorded,
	}
	if !s.Oldest.IsZero() {
		out.Oldest = &s.Oldest
	}
	if s.DiskFree >= 0 {
		out.DiskFree = &s.DiskFree
	}
	return out
}
