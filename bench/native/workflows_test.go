package native

import (
	"net/http"
	"testing"

	"github.com/flowtrux/edge/bench/workflow"
)

// others are the bench's workflows beside that of the native handler, by id.
var others = map[string]struct{ document, body, response string }{
	"chain1":        {workflow.Chain(1), string(workflow.Body(1024)), workflow.ChainResponse},
	"chain100":      {workflow.Chain(100), string(workflow.Body(1024)), workflow.ChainResponse},
	"conditions1":   {workflow.Conditions(1), string(workflow.Body(1024)), workflow.ConditionsResponse},
	"conditions100": {workflow.Conditions(100), string(workflow.Body(1024)), workflow.ConditionsResponse},
	"code1":         {workflow.Code(1), string(workflow.CodeBody()), workflow.CodeResponse},
	"code5":         {workflow.Code(5), string(workflow.CodeBody()), workflow.CodeResponse},
	"items1":        items(1),
	"items10000":    items(10_000),
}

func items(n int) (w struct{ document, body, response string }) {
	body, response := workflow.ItemsBody(n)
	w.document, w.body, w.response = workflow.Items(), string(body), response
	return w
}

// TestWorkflowsRespond sends each workflow its body and compares the response.
func TestWorkflowsRespond(t *testing.T) {
	edge, _ := handlers(t)
	for id, w := range others {
		t.Run(id, func(t *testing.T) {
			if got := served(t, edge, id, w.body); got.Code != http.StatusCreated || got.Body.String() != w.response {
				t.Errorf("%d %.200s\nwant %.200s", got.Code, got.Body, w.response)
			}
		})
	}
}

func TestBodiesHaveTheirSize(t *testing.T) {
	for _, n := range []int{46, 1 << 10, 256 << 10} {
		if got := len(workflow.Body(n)); got != n {
			t.Errorf("a body of %d bytes has %d", n, got)
		}
	}
	if n := len(workflow.CodeBody()); n < 900 || n > 1100 {
		t.Errorf("the body for code has %d bytes", n)
	}
}
