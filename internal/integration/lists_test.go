package integration

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

// TestExecutionFilters lists executions by what the admin API and the command line can select.
func TestExecutionFilters(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	s.put("works", echo("minimal"))
	s.put("fails", failing)
	if a := s.ask("PUT", "globals/__secret_token", `"hush-hush-hush"`); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	first := s.post("/api/webhooks/works", `{"n":1}`).header.Get("X-Execution-Id")
	accepted := s.record(first, journal.Succeeded).AcceptedAt
	// Ids have milliseconds, and so have the filters.
	eventually(t, "another millisecond begins", func() bool { return time.Since(accepted) > 2*time.Millisecond })
	second := s.post("/api/webhooks/fails", `{"n":2}`).header.Get("X-Execution-Id")
	s.record(second, journal.Failed)
	middle, err := journal.IDTime(second)
	if err != nil {
		t.Fatal(err)
	}
	at := url.QueryEscape(middle.Format(time.RFC3339Nano))

	for query, want := range map[string][]string{
		"":                                 {second, first},
		"status=failed,timed_out":          {second},
		"status=failed,succeeded":          {second, first},
		"status=pending,running":           nil,
		"source=console":                   nil,
		"id=" + first:                      {first},
		"id=" + first[:8]:                  {second, first},
		"id=" + strings.ToUpper(first[5:]): {first},
		"id=exec":                          {second, first},
		"from=" + at:                       {second},
		"to=" + at:                         {first},
		"to=2020-01-01T00:00:00%2B01:00":   nil,
		"from=2020-01-01T00:00:00Z&to=" + at + "&status=succeeded&workflow=works": {first},
	} {
		var got []string
		for _, row := range s.executions(query).Executions {
			got = append(got, row.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"status=failed,lost":       `no status \"lost\"; there are: pending, `,
		"status=,":                 "no status",
		"source=mail":              `no source \"mail\"; there is: console`,
		"id=exec-u":                "no execution's id begins like this",
		"from=yesterday":           "from is a time such as",
		"to=2020-01-01":            "to is a time such as",
		"from=" + at + "&to=" + at: "from is not before to",
	} {
		if a := s.ask("GET", "executions?"+query, ""); a.status != http.StatusBadRequest || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s, want %q", query, a.status, a.body, want)
		}
	}

	for args, want := range map[string][]string{
		"--status failed,timed_out": {second},
		"--from 1h":                 {second, first},
		"--to 1h":                   nil,
		"--from 1h --to " + middle.Format(time.RFC3339Nano): {first},
		"--id " + second:   {second},
		"--source console": nil,
	} {
		out, errOut, err := cli(t, "", append([]string{"executions", "list", "--json", "--address", s.admin}, strings.Fields(args)...)...)
		var page adminapi.Executions
		if err != nil || json.Unmarshal([]byte(out), &page) != nil {
			t.Errorf("%s: %v %s %s", args, err, out, errOut)
		}
		var got []string
		for _, row := range page.Executions {
			got = append(got, row.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
	for args, want := range map[string]string{
		"--from soon":       `--from "soon" is neither`,
		"--to -1h":          `--to "-1h" is neither`,
		"--follow --to 1h":  "leave out --to",
		"--status sleeping": "no status",
	} {
		_, _, err := cli(t, "", append([]string{"executions", "list", "--address", s.admin}, strings.Fields(args)...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// TestExecutionDocument reads the document that an execution ran with, after another was stored.
func TestExecutionDocument(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	before := strings.Replace(echo("minimal"), `"webhook":{`, `"webhook":{"secret":"own-secret-of-it",`, 1)
	s.put("a", before)
	stored := s.ask("GET", "workflows/a", "")
	id := s.post("/api/webhooks/a", `{}`).header.Get("X-Execution-Id")
	s.record(id, journal.Succeeded)
	s.put("a", echo("lastNode"))
	a := s.ask("GET", "executions/"+id+"/document", "")
	if a.status != http.StatusOK || a.body != stored.body || a.header.Get("ETag") != stored.header.Get("ETag") ||
		strings.Contains(a.body, "own-secret-of-it") || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s %s, want %s %s", a.status, a.header.Get("ETag"), a.body, stored.header.Get("ETag"), stored.body)
	}
	for _, id := range []string{"exec-01hzzzzzzzzzzzzzzzzzzzzzzz", "nonsense"} {
		if a := s.ask("GET", "executions/"+id+"/document", ""); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", id, a.status, a.body)
		}
	}
}

// TestWorkflowFilters lists workflows by what the admin API can select.
func TestWorkflowFilters(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	named := func(name, doc string) string { return strings.Replace(doc, "{", `{"name":"`+name+`",`, 1) }
	s.put("orders", named("Order Intake", echo("minimal")))
	s.put("refunds", named("Refunds of ORDERS", strings.Replace(echo("lastNode"), `"webhook":{`, `"webhook":{"signature":{"scheme":"github"},`, 1)))
	s.put("asleep", strings.Replace(echo("minimal"), "{", `{"active":false,`, 1))
	s.put("unsigned", echo("minimal"))
	if a := s.ask("DELETE", "secrets/unsigned", ""); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	list := func(query string) (ids []string, page adminapi.Workflows) {
		t.Helper()
		a := s.ask("GET", "workflows?"+query, "")
		if err := json.Unmarshal([]byte(a.body), &page); a.status != http.StatusOK || err != nil {
			t.Fatalf("%s: %d %s", query, a.status, a.body)
		}
		for _, row := range page.Workflows {
			ids = append(ids, row.ID)
		}
		return ids, page
	}
	for query, want := range map[string][]string{
		"":                      {"asleep", "orders", "refunds", "unsigned"},
		"id=orders":             {"orders"},
		"id=order":              nil,
		"q=ORDER":               {"orders", "refunds"},
		"q=order&id=refunds":    {"refunds"},
		"q=nothing":             nil,
		"state=serving":         {"orders", "refunds", "unsigned"},
		"state=inactive":        {"asleep"},
		"state=no_secret":       {"unsigned"},
		"state=stale":           nil,
		"limit=2":               {"asleep", "orders"},
		"limit=2&cursor=orders": {"refunds", "unsigned"},
		"limit=4":               {"asleep", "orders", "refunds", "unsigned"},
	} {
		ids, page := list(query)
		if more := query == "limit=2"; !slices.Equal(ids, want) || more != (page.Next != "") {
			t.Errorf("%s: %q, next %q, want %q", query, ids, page.Next, want)
		}
	}
	if _, page := list("limit=2"); page.Next != "orders" {
		t.Errorf("the cursor is %q", page.Next)
	}
	if _, page := list("id=refunds"); page.Workflows[0].Nodes != 2 || page.Workflows[0].Scheme != "github" {
		t.Errorf("the row is %+v", page.Workflows[0])
	}
	for query, want := range map[string]string{
		"state=lost": "no state", "limit=0": "limit is a number", "limit=1001": "limit is a number", "name=a": "unknown parameter",
	} {
		if a := s.ask("GET", "workflows?"+query, ""); a.status != http.StatusBadRequest || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}
