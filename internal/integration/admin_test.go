package integration

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestAdminRefuses checks that every rejected request gets a JSON response that says what is
// possible instead.
func TestAdminRefuses(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	for request, want := range map[string]struct {
		status int
		error  string
	}{
		"GET nothing":                            {http.StatusNotFound, "there is no /flowtrux/nothing; below /flowtrux/ there are workflows, workflows/{id}, secrets, secrets/{id}, "},
		"GET ":                                   {http.StatusNotFound, "there is no /flowtrux/; "},
		"PUT workflows/":                         {http.StatusNotFound, "there is no /flowtrux/workflows/; "},
		"GET executions/a/cancel/b":              {http.StatusNotFound, "there is no /flowtrux/executions/a/cancel/b; "},
		"DELETE workflows":                       {http.StatusMethodNotAllowed, "there is no DELETE of /flowtrux/workflows; there is GET, PUT"},
		"POST workflows/a":                       {http.StatusMethodNotAllowed, "there is no POST of /flowtrux/workflows/{id}; there is GET, PUT, DELETE"},
		"GET executions/a/replay":                {http.StatusMethodNotAllowed, "there is no GET of /flowtrux/executions/{id}/replay; there is POST"},
		"GET executions?state=failed":            {http.StatusBadRequest, `unknown parameter "state"; there are: workflow, status, source, id, from, to, limit, cursor`},
		"GET executions?limit=1&limit=2":         {http.StatusBadRequest, `parameter "limit" is given 2 times`},
		"GET executions?limit=%zz":               {http.StatusBadRequest, "reading the query: "},
		"GET status?verbose":                     {http.StatusBadRequest, `unknown parameter "verbose": this takes none`},
		"PUT secrets/a?keep-old=1h":              {http.StatusBadRequest, `unknown parameter "keep-old"; there are: keep_old`},
		"POST executions/a/replay?current=true":  {http.StatusBadRequest, `unknown parameter "current"; there are: revision`},
		"PUT workflows/a?force=true":             {http.StatusBadRequest, `unknown parameter "force": this takes none`},
		"POST executions/a/cancel?reason=my-own": {http.StatusBadRequest, `unknown parameter "reason": this takes none`},
	} {
		method, path, _ := strings.Cut(request, " ")
		a := s.ask(method, path, "")
		var body struct {
			Error string `json:"error"`
		}
		if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != want.status || !strings.HasPrefix(body.Error, want.error) ||
			a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %s", request, a.status, a.header.Get("Content-Type"), a.body)
		}
		if allow := a.header.Get("Allow"); a.status == http.StatusMethodNotAllowed && !strings.HasSuffix(want.error, "there is "+allow) {
			t.Errorf("%s: Allow is %q", request, allow)
		}
	}
}
