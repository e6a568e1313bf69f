package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/feed"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/store"
)

// withConsole puts a console with a user in front of the site's handler, behind a compression.
var withConsole = around{before: `{"handler":"encode","encodings":{"gzip":{}},"minimum_length":1},
	{"handler":"vars","user":"alice"},
	{"handler":"flowtrux_console","authenticated_by":"{http.vars.user}"},`}

// event is an event in short.
func shortEvent(t testing.TB, text []byte) string {
	t.Helper()
	var e struct {
		Kind      string
		At        time.Time
		Execution json.RawMessage
		Workflow  json.RawMessage
		Node      *feed.Node
		Secret    *feed.Secret
		Global    *feed.Global
	}
	if err := json.Unmarshal(text, &e); err != nil || time.Since(e.At) > time.Minute {
		t.Fatalf("event %s: %v", text, err)
	}
	if strings.Contains(string(text), secret) {
		t.Errorf("a secret is in %s", text)
	}
	switch e.Kind {
	case feed.KindExecution:
		var s journal.Summary
		if err := json.Unmarshal(e.Execution, &s); err != nil {
			t.Fatal(err)
		}
		return s.ID + " " + s.Status
	case feed.KindWorkflow:
		var w feed.Workflow
		if err := json.Unmarshal(e.Workflow, &w); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("workflow %s %s deleted=%t", w.ID, w.State, w.Deleted)
	case feed.KindSecret:
		return fmt.Sprintf("secret %s deleted=%t", e.Secret.ID, e.Secret.Deleted)
	case feed.KindGlobal:
		return fmt.Sprintf("global %s deleted=%t", e.Global.Key, e.Global.Deleted)
	case feed.KindNode:
		return "node " + e.Node.ID + " " + e.Node.State
	}
	return string(text)
}

// pages reads the pages of GET events.
type pages struct {
	t    testing.TB
	api  http.Handler
	next string
}

func (p *pages) get(query string) (status int, body string) {
	p.t.Helper()
	w := httptest.NewRecorder()
	p.api.ServeHTTP(w, httptest.NewRequestWithContext(p.t.Context(), http.MethodGet, adminapi.Base+"events"+query, nil))
	return w.Code, w.Body.String()
}

// read reads a page.
func (p *pages) read(wait string) adminapi.Events {
	p.t.Helper()
	query := "?wait=" + wait
	if p.next != "" {
		query += "&after=" + url.QueryEscape(p.next)
	}
	status, body := p.get(query)
	var page adminapi.Events
	if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK || page.Next == "" || page.Events == nil {
		p.t.Fatalf("GET events%s: %d %s", query, status, body)
	}
	p.next = page.Next
	return page
}

// want reads events until there are those wanted, and fails on any other.
func (p *pages) want(want ...string) {
	p.t.Helper()
	var got []string
	for began := time.Now(); len(got) < len(want) && time.Since(began) < time.Minute; {
		page := p.read("5s")
		if page.Reset {
			p.t.Fatalf("told to reset after %q", got)
		}
		for _, e := range page.Events {
			got = append(got, shortEvent(p.t, e))
		}
	}
	if !slices.Equal(got, want) {
		p.t.Errorf("events\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestEventsOfTheFeed(t *testing.T) {
	r := run(t, `{}`)
	s := site{t: t, app: r.app()}
	p := &pages{t: t, api: apiHandler()}
	if page := p.read("0s"); len(page.Events) > 0 || page.Reset {
		t.Errorf("without a cursor: %+v", page)
	}
	if page := p.read("10ms"); len(page.Events) > 0 || page.Reset {
		t.Errorf("when nothing has happened: %+v", page)
	}

	resp, err := r.post(`{"a":1}`)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	page, err := s.app.executor.List(t.Context(), journal.Query{})
	for began := time.Now(); err == nil && len(page.Rows) == 0 && time.Since(began) < time.Minute; {
		page, err = s.app.executor.List(t.Context(), journal.Query{})
	}
	if err != nil || len(page.Rows) == 0 {
		t.Fatalf("the execution is not listed: %v", err)
	}
	p.want(page.Rows[0].ID+" running", page.Rows[0].ID+" succeeded")

	s.putWorkflow("new", trigger(`{"responseMode":"lastNode"}`))
	p.want("workflow new serving deleted=false", "secret new deleted=false")
	s.put("workflows/new", `{"nodes":[]}`, "globals/__secret_count", `"`+secret+`"`)
	p.want("workflow new stale deleted=false", "global __secret_count deleted=false")
	if _, err := s.app.mirror.Write(t.Context(), nil, []string{"workflows/new", "secrets/new", "globals/__secret_count"}); err != nil {
		t.Fatal(err)
	}
	events := p.readSorted(3)
	if want := []string{"global __secret_count deleted=true", "secret new deleted=true", "workflow new  deleted=true"}; !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
}

// readSorted reads n events, and sorts them.
func (p *pages) readSorted(n int) (got []string) {
	p.t.Helper()
	for began := time.Now(); len(got) < n && time.Since(began) < time.Minute; {
		for _, e := range p.read("5s").Events {
			got = append(got, shortEvent(p.t, e))
		}
	}
	slices.Sort(got)
	return got
}

func TestEventsOfTheFeedRejects(t *testing.T) {
	run(t, `{}`)
	p := &pages{t: t, api: apiHandler()}
	for _, query := range []string{
		"?wait=6s", "?wait=-1s", "?wait=soon", "?wait=5", "?after=a&after=b", "?afer=1", "?wait=1s&wait=2s",
	} {
		if status, body := p.get(query); status != http.StatusBadRequest || !strings.Contains(body, `"error"`) {
			t.Errorf("GET events%s: %d %s", query, status, body)
		}
	}
	waits := &runningFeed(t).waits
	waits.Store(maxEventWaits)
	if status, body := p.get("?after=x&wait=5s"); status != http.StatusServiceUnavailable || !strings.Contains(body, `"error"`) {
		t.Errorf("when too many wait: %d %s", status, body)
	}
	if waits.Swap(0) != maxEventWaits {
		t.Error("a request that was refused is still counted")
	}
	for _, cursor := range []string{"x", "-", "abc-1", strings.Repeat("a", 10_000), "\u202e-1"} {
		p.next = cursor
		if page := p.read("5s"); !page.Reset || len(page.Events) > 0 {
			t.Errorf("after %q: %+v", cursor, page)
		}
		if page := p.read("0s"); page.Reset {
			t.Errorf("after the reset: %+v", page)
		}
	}
}

// runningFeed returns the feed of the process.
func runningFeed(t *testing.T) *liveFeed {
	t.Helper()
	a, err := runningApp()
	if err != nil {
		t.Fatal(err)
	}
	return a.live
}

// TestStoreIsReplaced: when nobody knows what has changed in the store, clients load all again.
func TestStoreIsReplaced(t *testing.T) {
	r := run(t, `{}`)
	p := &pages{t: t, api: apiHandler()}
	p.read("0s")
	r.app().batchApplied(store.Batch{Reset: true})
	if page := p.read("5s"); !page.Reset {
		t.Errorf("%+v, want a reset", page)
	}
}

// TestWorkflowStatesOverReloads: a config in which a workflow is in another state says so. One that
// does not load says nothing.
func TestWorkflowStatesOverReloads(t *testing.T) {
	r := run(t, `{}`)
	p := &pages{t: t, api: apiHandler()}
	p.read("0s")
	if err := r.load(`{"nodes":{"slugify":{"file":"/does/not/exist.wasm"}}}`); err == nil {
		t.Fatal("a config without its module was loaded")
	}
	s := site{t: t, app: r.app()}
	s.putWorkflow("new", trigger(`{"responseMode":"lastNode"}`))
	p.want("workflow new serving deleted=false", "secret new deleted=false")
	r.app().live.mu.Lock()
	r.app().live.workflows["gone"] = feed.Workflow{ID: "gone", State: adminapi.StateServing}
	w := r.app().live.workflows["echo"]
	w.State = adminapi.StateInvalid
	r.app().live.workflows["echo"] = w
	r.app().live.mu.Unlock()
	if err := r.load(`{"limits":{"executions":100}}`); err != nil {
		t.Fatal(err)
	}
	p.want("workflow echo serving deleted=false", "workflow gone  deleted=true")
}

// TestAnotherJournal: a config with another journal has other executions.
func TestAnotherJournal(t *testing.T) {
	r := run(t, `{}`)
	p := &pages{t: t, api: apiHandler()}
	p.read("0s")
	if err := r.load(`{"limits":{"executions":100}}`); err != nil {
		t.Fatal(err)
	}
	if page := p.read("0s"); page.Reset || len(page.Events) > 0 {
		t.Errorf("after a reload: %+v", page)
	}
	r.journal = fmt.Sprintf(`{"engine":"bbolt","file":%q}`, filepath.Join(t.TempDir(), "other.db"))
	if err := r.load(`{}`); err != nil {
		t.Fatal(err)
	}
	if page := p.read("0s"); !page.Reset {
		t.Errorf("with another journal: %+v", page)
	}
}
