package caddymodule

import (
	"net/http"
	"slices"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/caddymodule/headercheck"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/flow"
)

// problems converts the mistakes in a request's document for the admin API.
func problems(found []flow.Problem) []adminapi.Problem {
	out := make([]adminapi.Problem, 0, len(found))
	for _, p := range found {
		out = append(out, adminapi.Problem(p))
	}
	return out
}

// storedProblems is problems for a stored document. Without its secrets, it has other positions.
func storedProblems(found []flow.Problem) []adminapi.Problem {
	out := problems(found)
	for i := range out {
		out[i].Line, out[i].Column = 0, 0
	}
	return out
}

// warnings returns the problems of a document that serves and would be rejected if it were new.
func warnings(wf *catalog.Workflow) []flow.Problem {
	if wf.Program == nil {
		return nil
	}
	return append(slices.Clip(wf.Warnings), headercheck.Dropped(wf.Program.Plan, wf.Scheme, headercheck.ByRunningServers)...)
}

func findWorkflow(app *App, id string) (*catalog.Workflow, error) {
	if wf := app.catalog.Workflow(id); wf != nil {
		return wf, nil
	}
	return nil, adminError(http.StatusNotFound, "no workflow %q", id)
}

// shownDocument returns a workflow's document as it is stored, without its secret, so that it can
// be edited and put again. In a document that is invalid, or may be, a secret can be anywhere: see
// flow.Masked. It returns nil if the document cannot be shown.
func shownDocument(wf *catalog.Workflow) []byte {
	if len(wf.Problems) > 0 || wf.Preparing != nil {
		return flow.Masked(wf.Document)
	}
	return flow.RedactSecret(wf.Document)
}

func getWorkflow(app *App, w http.ResponseWriter, r *http.Request) error {
	wf, err := findWorkflow(app, r.PathValue("id"))
	if err != nil {
		return err
	}
	setRevision(w, wf.Revision)
	shown := shownDocument(wf)
	if shown == nil {
		return writeJSON(w, http.StatusConflict, adminapi.Error{
			Message:  "what is stored is no JSON object, and not shown: it may hold a secret",
			Problems: storedProblems(wf.Problems),
		})
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(shown)
	return nil
}

func deleteWorkflow(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	_, missing := findWorkflow(app, id)
	return deleteKeys(app, w, r, id, missing, catalog.WorkflowPrefix+id, catalog.SecretPrefix+id)
}
