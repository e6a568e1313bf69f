package caddymodule

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/catalog"
)

// workflowFilters are the query parameters of listWorkflows.
var workflowFilters = []string{"id", "q", "state", "limit", "cursor"}

// maxWorkflowRows is the most rows of a page of workflows. Without a limit, all are listed.
const maxWorkflowRows = 1000

// workflowQuery selects workflows. They are sorted by id, and a cursor is the id that comes before.
type workflowQuery struct {
	id, text, state, cursor string
	limit                   int // 0 = none
}

func newWorkflowQuery(v url.Values) (q workflowQuery, err error) {
	q = workflowQuery{id: v.Get("id"), text: strings.ToLower(v.Get("q")), state: v.Get("state"), cursor: v.Get("cursor")}
	if states := adminapi.WorkflowStates(); q.state != "" && !slices.Contains(states, q.state) {
		return q, adminError(http.StatusBadRequest, "no state %q; there are: %s", q.state, strings.Join(states, ", "))
	}
	q.limit, err = limitOf(v, maxWorkflowRows)
	return q, err
}

// has reports whether a workflow is in the list.
func (q *workflowQuery) has(wf *catalog.Workflow) bool {
	return wf.ID > q.cursor && (q.id == "" || wf.ID == q.id) && q.finds(wf) && q.inState(wf)
}

// finds reports whether the text is in the id or the name.
func (q *workflowQuery) finds(wf *catalog.Workflow) bool {
	return q.text == "" || strings.Contains(strings.ToLower(wf.ID), q.text) ||
		wf.Program != nil && strings.Contains(strings.ToLower(wf.Program.Plan.Name), q.text)
}

// inState reports whether the workflow is in the state. One that serves can have other troubles.
func (q *workflowQuery) inState(wf *catalog.Workflow) bool {
	switch q.state {
	case "":
		return true
	case adminapi.StateInactive:
		return !wf.Active
	case adminapi.StateNoSecret:
		return secretTrouble(wf) != ""
	case adminapi.StateServing:
		return wf.Active && workflowState(wf) == q.state
	}
	return workflowState(wf) == q.state
}

func listWorkflows(app *App, w http.ResponseWriter, r *http.Request) error {
	q, err := newWorkflowQuery(r.URL.Query())
	if err != nil {
		return err
	}
	page := adminapi.Workflows{Workflows: []adminapi.Workflow{}}
	for _, wf := range app.catalog.List() {
		if !q.has(wf) {
			continue
		}
		if n := len(page.Workflows); q.limit > 0 && n == q.limit {
			page.Next = page.Workflows[n-1].ID
			break
		}
		page.Workflows = append(page.Workflows, workflowRow(wf))
	}
	return writeJSON(w, http.StatusOK, page)
}

func workflowRow(wf *catalog.Workflow) adminapi.Workflow {
	row := adminapi.Workflow{
		ID: wf.ID, Active: wf.Active, Revision: wf.Revision, Serving: wf.Serving,
		State: workflowState(wf), Secrets: len(live(wf.Keys)), Problems: storedProblems(wf.Problems),
		Warnings:      storedProblems(warnings(wf)),
		SecretProblem: secretTrouble(wf),
	}
	if wf.Webhook {
		row.Scheme = wf.Scheme.Name()
	}
	if wf.Program != nil {
		plan := wf.Program.Plan
		row.Name, row.Trigger, row.PrepareFuel = plan.Name, adminapi.TriggerManual, plan.PrepareFuel
		row.Nodes = len(plan.Nodes)
		if plan.Webhook != nil {
			row.Trigger, row.Mode = adminapi.TriggerWebhook, string(plan.Webhook.Mode)
		}
	}
	return row
}

func workflowState(wf *catalog.Workflow) string {
	switch {
	case wf.Preparing != nil:
		return adminapi.StatePreparing
	case wf.Program == nil:
		return adminapi.StateInvalid
	case wf.Problems != nil:
		return adminapi.StateStale
	}
	return adminapi.StateServing
}
