package caddymodule

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/response"
)

// journals holds the configs of the journals that these tests run with. Each begins with a comma.
var journals = map[string]string{"bbolt": "", "memory": `,"journal":{"engine":"memory","accept_loss":true}`}

// keyHeader is the header with the key in most workflows of these tests.
const (
	keyHeader = "Idempotency-Key"
	byHeader  = `"idempotency":{"header":"idempotency-key"}`
)

// keyed is a signed POST with a key.
func keyed(id, key, body string) call { return to(id, body).with(keyHeader, key) }

// replayed checks that a reply equals the first one and is marked as a replay.
func (s *site) replayed(what string, got, first reply) {
	s.t.Helper()
	if got.header.Get("Idempotency-Replayed") != "true" {
		s.t.Errorf("%s: not marked as a replay: %v", what, got.header)
	}
	got.header = got.header.Clone()
	got.header.Del("Idempotency-Replayed")
	sameAnswer(s.t, what, got, first)
}

// began checks that a reply belongs to its own execution.
func (s *site) began(what string, got reply, status int) {
	s.t.Helper()
	if got.status != status || got.header.Get("Idempotency-Replayed") != "" || !strings.HasPrefix(got.header.Get("X-Execution-Id"), "exec-") {
		s.t.Errorf("%s: %d %v %s", what, got.status, got.header, got.body)
	}
}

// refused checks that a reply is an error without an execution.
func (s *site) refused(what string, got reply, status int, code string) {
	s.t.Helper()
	if got.status != status || got.code() != code || got.header.Get("X-Execution-Id") != "" || got.header.Get("Idempotency-Replayed") != "" {
		s.t.Errorf("%s: %d %v %s; want %d %s", what, got.status, got.header, got.body, status, code)
	}
}

// waiting waits until n duplicates wait.
func (s *site) waiting(n int) {
	s.t.Helper()
	got := -1
	defer func() {
		if got != n {
			s.t.Logf("%d duplicates wait", got)
		}
	}()
	eventually(s.t, fmt.Sprintf("%d duplicates wait", n), func() bool {
		got = s.app.executor.WaitingDuplicates()
		return got == n
	})
}

// TestDuplicates checks that a key of a workflow and a body start one execution, in each mode.
func TestDuplicates(t *testing.T) {
	for name, config := range journals {
		for _, mode := range []string{"minimal", "lastNode", "allNodes"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				u := newUpstream(t)
				close(u.answer)
				s := newSite(t, u.app(config), `{}`)
				webhook := `{"responseMode":"` + mode + `","statusCode":203,"headers":{"X-Flow":"ok","Content-Type":"text/plain"},` + byHeader + `}`
				s.putWorkflow("order", u.workflow(webhook))
				s.putWorkflow("other", u.workflow(webhook))
				first := s.do(keyed("order", "k", `{"n":1}`))
				s.began("the first", first, 203)
				<-u.arrived
				for range 2 {
					s.replayed("the same again", s.do(keyed("order", "k", `{"n":1}`)), first)
				}
				s.refused("another body", s.do(keyed("order", "k", `{"n":1} `)), http.StatusUnprocessableEntity, "idempotency_key_reused")
				ids := map[string]bool{first.header.Get("X-Execution-Id"): true}
				for what, c := range map[string]call{
					"another workflow": keyed("other", "k", `{"n":1}`),
					"another key":      keyed("order", "K", `{"n":1}`),
					"no key":           to("order", `{"n":1}`),
					"no key again":     to("order", `{"n":1}`),
					"an empty key":     keyed("order", "", `{"n":1}`),
					"the longest key":  keyed("order", strings.Repeat("k", journal.MaxKey), `{"n":1}`),
				} {
					r := s.do(c)
					s.began(what, r, 203)
					ids[r.header.Get("X-Execution-Id")] = true
					<-u.arrived
				}
				if len(ids) != 7 {
					t.Errorf("%d executions, want 7", len(ids))
				}
				s.refused("a key that is too long", s.do(keyed("order", strings.Repeat("k", journal.MaxKey+1), `{}`)), http.StatusBadRequest, "invalid_idempotency_key")
				several := keyed("order", "k", `{"n":1}`)
				several.header.Add(keyHeader, "k")
				s.refused("several keys", s.do(several), http.StatusBadRequest, "invalid_idempotency_key")
				var counted dto.Metric
				if err := s.app.meters.duplicates.WithLabelValues("order").Write(&counted); err != nil || counted.GetCounter().GetValue() != 2 {
					t.Errorf("%v duplicates are counted, %v; want 2", counted.GetCounter().GetValue(), err)
				}
			})
		}
	}
}

// TestDuplicatesAtTheSameMoment checks that, of many senders with one key, one starts an execution
// and all get its response.
func TestDuplicatesAtTheSameMoment(t *testing.T) {
	const senders = 32
	for name, config := range journals {
		for _, mode := range []string{"minimal", "lastNode"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				u := newUpstream(t)
				s := newSite(t, u.app(config+`,"limits":{"executions":2,"node_timeout":"1m"}`), `{}`)
				s.putWorkflow("order", u.workflow(`{"responseMode":"`+mode+`","timeout":"1m",`+byHeader+`}`))
				var replies []<-chan reply
				for range senders {
					replies = append(replies, s.start(keyed("order", "k", `{"n":1}`)))
				}
				<-u.arrived
				if mode == "lastNode" {
					s.waiting(senders - 1)
				}
				close(u.answer)
				var first reply
				var others []reply
				for _, c := range replies {
					if r := <-c; r.header.Get("Idempotency-Replayed") == "" {
						s.began("the first", r, http.StatusOK)
						first = r
					} else {
						others = append(others, r)
					}
				}
				if len(others) != senders-1 {
					t.Fatalf("%d replays, want %d", len(others), senders-1)
				}
				for _, r := range others {
					s.replayed("a duplicate", r, first)
				}
				if n := len(u.arrived); n != 0 {
					t.Errorf("%d more executions ran", n)
				}
				s.waiting(0)
			})
		}
	}
}

// TestKeys checks where the key can be.
func TestKeys(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("field", trigger(`{"responseMode":"lastNode","idempotency":{"field":"event.id"}}`))
	first := s.do(to("field", `{"event":{"id":"e1"}}`))
	s.replayed("a field", s.do(to("field", `{"event":{"id":"e1"}}`)), first)
	s.refused("a field with another body", s.do(to("field", `{"event":{"id":"e1"},"n":1}`)), http.StatusUnprocessableEntity, "idempotency_key_reused")
	s.began("another field", s.do(to("field", `{"event":{"id":"e2"}}`)), http.StatusOK)
	for _, body := range []string{`{"event":{}}`, `{"event":{"id":null}}`, `{"event":{"id":""}}`, `{}`, `[]`} {
		for range 2 {
			s.began("no field: "+body, s.do(to("field", body)), http.StatusOK)
		}
	}
	s.refused("a field that is too long", s.do(to("field", `{"event":{"id":"`+strings.Repeat("x", 256)+`"}}`)), http.StatusBadRequest, "invalid_idempotency_key")

	const scheme = `{"scheme":"standard-webhooks"}`
	standard := func(id, body string) call {
		return call{path: defaultPrefix + id, body: body}.sign(scheme, secret, time.Now())
	}
	s.putWorkflow("standard", trigger(`{"responseMode":"lastNode","signature":`+scheme+`}`))
	first = s.do(standard("standard", `1`))
	s.replayed("a signed id", s.do(standard("standard", `1`)), first)
	s.refused("a signed id with another body", s.do(standard("standard", `2`)), http.StatusUnprocessableEntity, "idempotency_key_reused")

	s.putWorkflow("both", trigger(`{"responseMode":"lastNode",`+byHeader+`,"signature":`+scheme+`}`))
	for range 2 {
		s.began("what the workflow names is missing", s.do(standard("both", `1`)), http.StatusOK)
	}
	first = s.do(standard("both", `1`).with(keyHeader, "k"))
	s.replayed("what the workflow names", s.do(standard("both", `1`).with(keyHeader, "k")), first)

	s.putWorkflow("none", trigger(`{"responseMode":"lastNode"}`))
	for range 2 {
		s.began("nothing is named", s.do(keyed("none", "k", `1`)), http.StatusOK)
	}
}

// TestKeyWindow checks that a key counts as new after its window.
func TestKeyWindow(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("short", trigger(`{"responseMode":"lastNode","idempotency":{"header":"Idempotency-Key","window":"1s"}}`))
	first := s.do(keyed("short", "k", `1`))
	eventually(t, "the window ends", func() bool {
		r := s.do(keyed("short", "k", `1`))
		if r.header.Get("Idempotency-Replayed") == "" {
			s.began("after the window", r, http.StatusOK)
			return true
		}
		s.replayed("in the window", r, first)
		return false
	})
}

// TestKeyOrder checks that a duplicate gets a response when there is no room for new executions,
// and that no key is reserved then.
func TestKeyOrder(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"executions":2,"queue_wait":"20ms","node_timeout":"1m"}`), `{}`)
	s.putWorkflow("echo", trigger(`{"responseMode":"lastNode",`+byHeader+`}`))
	s.putWorkflow("wait", u.workflow(`{"responseMode":"lastNode","timeout":"1m","maxConcurrent":1,`+byHeader+`}`))
	s.putWorkflow("fill", u.workflow(`{"responseMode":"lastNode","timeout":"1m"}`))
	s.putWorkflow("never-valid", strings.Replace(trigger(`{`+byHeader+`}`), `"edges":[]`, `"edges":[{"source":"t","target":"nowhere"}]`, 1))
	tooLong := strings.Repeat("k", 300)
	s.refused("rows 10 and 11", s.do(keyed("never-valid", tooLong, `1`)), http.StatusServiceUnavailable, "workflow_invalid")
	s.refused("rows 9 and 11", s.do(keyed("echo", tooLong, `{`)), http.StatusBadRequest, "invalid_json")

	first := s.do(keyed("echo", "k", `1`))
	waits := s.start(keyed("wait", "k", `1`))
	<-u.arrived
	s.refused("the workflow's limit", s.do(keyed("wait", "l", `1`)), http.StatusTooManyRequests, "too_many_executions")
	fills := s.start(to("fill", `1`))
	<-u.arrived
	s.replayed("a duplicate", s.do(keyed("echo", "k", `1`)), first)
	s.refused("a reused key", s.do(keyed("echo", "k", `2`)), http.StatusUnprocessableEntity, "idempotency_key_reused")
	s.refused("the server's limit", s.do(keyed("echo", "l", `1`)), http.StatusServiceUnavailable, "overloaded")
	close(u.answer)
	<-waits
	<-fills
	s.began("what the workflow's limit has refused", s.do(keyed("wait", "l", `2`)), http.StatusOK)
	s.began("what the server's limit has refused", s.do(keyed("echo", "l", `2`)), http.StatusOK)

	s.app.drain()
	for _, key := range []string{"k", "m"} {
		s.refused("a closed journal", s.do(keyed("echo", key, `1`)), http.StatusServiceUnavailable, "journal_unavailable")
	}
}

// TestRefusedTogether checks that duplicates of a request rejected for lack of room are rejected
// for the same reason.
func TestRefusedTogether(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"queue_wait":"300ms","node_timeout":"1m"}`), `{}`)
	s.putWorkflow("one", u.workflow(`{"responseMode":"lastNode","timeout":"1m","maxConcurrent":1,`+byHeader+`}`))
	first := s.start(keyed("one", "k", `1`))
	<-u.arrived
	refused, joined := s.start(keyed("one", "l", `1`)), s.start(keyed("one", "l", `1`))
	s.refused("the one", <-refused, http.StatusTooManyRequests, "too_many_executions")
	s.refused("the other", <-joined, http.StatusTooManyRequests, "too_many_executions")
	close(u.answer)
	s.began("the first", <-first, http.StatusOK)
}

// TestFailuresReleaseTheKey checks that waiting duplicates get the failure, and that the next
// request runs again.
func TestFailuresReleaseTheKey(t *testing.T) {
	for name, config := range journals {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			s := newSite(t, u.app(config+`,"limits":{"node_timeout":"1m"}`), `{}`)
			s.putWorkflow("order", u.workflow(`{"responseMode":"lastNode","timeout":"1m","headers":{"X-Flow":"ok"},`+byHeader+`}`))
			first := s.start(keyed("order", "k", `1`))
			<-u.arrived
			second := s.start(keyed("order", "k", `1`))
			s.waiting(1)
			u.CloseClientConnections()
			failed := <-first
			if failed.status != http.StatusInternalServerError || failed.code() != "execution_failed" {
				t.Fatalf("%d %s", failed.status, failed.body)
			}
			s.replayed("who has waited", <-second, failed)

			retry := s.start(keyed("order", "k", `{"another":"body"}`))
			<-u.arrived
			close(u.answer)
			s.began("the retry", <-retry, http.StatusOK)
		})
	}
}

// TestCancelReleasesTheKey checks that canceling an execution releases its key too.
func TestCancelReleasesTheKey(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"node_timeout":"1m"}`), `{}`)
	document := u.workflow(`{"responseMode":"lastNode","timeout":"1m",` + byHeader + `}`)
	s.putWorkflow("order", strings.Replace(document, u.URL, u.URL+"/?{{execution.id}}", 1))
	first := s.start(keyed("order", "k", `1`))
	id := (<-u.arrived).URL.RawQuery
	second := s.start(keyed("order", "k", `1`))
	s.waiting(1)
	if err := s.app.executor.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	cancelled := <-first
	if cancelled.code() != "execution_failed" || cancelled.header.Get("X-Execution-Id") != id {
		t.Errorf("%d %s", cancelled.status, cancelled.body)
	}
	s.replayed("who has waited", <-second, cancelled)
	close(u.answer)
	s.began("the retry", s.do(keyed("order", "k", `1`)), http.StatusOK)
}

// TestLateKeys checks that an execution accepted at its timeout keeps its key, and that one that
// times out releases it.
func TestLateKeys(t *testing.T) {
	for name, config := range journals {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			s := newSite(t, u.app(config+`,"limits":{"node_timeout":"1m"}`), `{}`)
			s.putWorkflow("accept", u.workflow(`{"responseMode":"lastNode","statusCode":201,"headers":{"X-Flow":"ok"},"timeout":"200ms","onTimeout":"accept",`+byHeader+`}`))
			first := s.start(keyed("accept", "k", `1`))
			<-u.arrived
			second := s.start(keyed("accept", "k", `1`))
			accepted := <-first
			s.began("the first", accepted, http.StatusAccepted)
			s.replayed("who waits or comes", <-second, accepted)
			s.replayed("while it goes on", s.do(keyed("accept", "k", `1`)), accepted)

			s.putWorkflow("error", u.workflow(`{"responseMode":"lastNode","timeout":"50ms",`+byHeader+`}`))
			for range 2 {
				s.began("too late", s.do(keyed("error", "k", `1`)), http.StatusGatewayTimeout)
				<-u.arrived
			}
			close(u.answer)
			s.ended(accepted.header.Get("X-Execution-Id"), journal.Succeeded)
			s.replayed("when it has ended", s.do(keyed("accept", "k", `1`)), accepted)
		})
	}
}

// ended waits until the record of an execution says that it has ended.
func (s *site) ended(id, status string) {
	s.t.Helper()
	eventually(s.t, id+" is "+status, func() bool {
		r, err := s.app.journal.Get(s.t.Context(), id)
		return err == nil && r.Status == status
	})
}

// TestLargeResponses checks that a duplicate gets what the mode minimal returns if the response is
// larger than 1 MiB.
func TestLargeResponses(t *testing.T) {
	s := newSite(t, `{"limits":{"body":3145728}}`, `{}`)
	s.putWorkflow("echo", trigger(`{"responseMode":"lastNode","statusCode":201,`+byHeader+`}`))
	within := `"` + strings.Repeat("x", response.MaxStored-2) + `"`
	first := s.do(keyed("echo", "within", within))
	s.began("within", first, http.StatusCreated)
	s.replayed("within", s.do(keyed("echo", "within", within)), first)
	over := `"x` + strings.Repeat("x", response.MaxStored-2) + `"`
	first = s.do(keyed("echo", "over", over))
	s.began("over", first, http.StatusCreated)
	first.body = fmt.Sprintf(`{"success":true,"executionId":%q}`, first.header.Get("X-Execution-Id"))
	first.header.Set("Content-Length", fmt.Sprint(len(first.body)))
	s.replayed("over", s.do(keyed("echo", "over", over)), first)
}

// TestWaitingEnds checks that a duplicate waits no longer than its webhook's timeout, and stops
// waiting when its sender has gone.
func TestWaitingEnds(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("short", trigger(`{"responseMode":"lastNode","timeout":"50ms",`+byHeader+`}`))
	s.putWorkflow("long", trigger(`{"timeout":"1m",`+byHeader+`}`))
	for _, id := range []string{"short", "long"} {
		key := journal.Key{Text: "k", Digest: sha256.Sum256([]byte(`1`)), Until: time.Now().Add(time.Hour)}
		reservation, err := s.app.executor.Reserve(t.Context(), s.app.engine, journal.Reservation{ID: "exec-" + id, Workflow: id, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		defer reservation.Release(nil)
	}
	r := s.do(keyed("short", "k", `1`))
	if r.status != http.StatusGatewayTimeout || r.code() != "execution_timeout" || r.header.Get("X-Execution-Id") != "exec-short" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	// The workflow is minimal now. It must not promise what it does not know.
	c := keyed("long", "k", `1`)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = c.header
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := s.server.Client().Do(req); err == nil {
			t.Errorf("the response is %d", resp.StatusCode)
			resp.Body.Close()
		}
	}()
	s.waiting(1)
	cancel()
	<-gone
	s.waiting(0)

	joined := s.start(c)
	s.waiting(1)
	s.app.stopWaiting(errStopping)
	s.refused("while the server stops", <-joined, http.StatusServiceUnavailable, "not_ready")
}

// TestFirstSenderGoesAway checks that the execution continues, and that the next sender gets the
// response.
func TestFirstSenderGoesAway(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"node_timeout":"1m"}`), `{}`)
	s.putWorkflow("order", u.workflow(`{"responseMode":"lastNode","timeout":"1m",`+byHeader+`}`))
	c := keyed("order", "k", `1`)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = c.header
	go func() {
		if resp, err := s.server.Client().Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-u.arrived
	cancel()
	second := s.start(c)
	s.waiting(1)
	close(u.answer)
	r := <-second
	if r.status != http.StatusOK || r.body != answered || r.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	if n := len(u.arrived); n != 0 {
		t.Errorf("%d more executions ran", n)
	}
}

// TestReplayUsesNoKey checks that an operator's rerun is a new execution, and that the key stays
// with the first one.
func TestReplayUsesNoKey(t *testing.T) {
	for _, mode := range []string{"minimal", "lastNode"} {
		s := newSite(t, `{}`, `{}`)
		s.putWorkflow("order", trigger(`{"responseMode":"`+mode+`",`+byHeader+`}`))
		first := s.do(keyed("order", "k", `1`))
		id := first.header.Get("X-Execution-Id")
		s.ended(id, journal.Succeeded)
		again := s.app.engine.NewID()
		eventually(t, "it can be replayed", func() bool {
			err := s.app.executor.Rerun(t.Context(), id, again, nil)
			if err != nil && !errors.Is(err, journal.ErrNotEnded) {
				t.Fatalf("%s: %v", mode, err)
			}
			return err == nil
		})
		s.ended(again, journal.Succeeded)
		s.replayed(mode, s.do(keyed("order", "k", `1`)), first)
	}
}

// TestDrainWithKeys checks that, when the process exits, an execution with a key ends and responds
// before the journal is closed.
func TestDrainWithKeys(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"node_timeout":"1m"}`), `{}`)
	s.putWorkflow("order", u.workflow(`{"responseMode":"lastNode","timeout":"1m",`+byHeader+`}`))
	first := s.start(keyed("order", "k", `1`))
	<-u.arrived
	s.app.drainWithin(100 * time.Millisecond)
	s.app.drain()
	if r := <-first; r.status != http.StatusInternalServerError || r.code() != "execution_failed" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if _, err := s.app.journal.Stats(t.Context()); err != nil {
		t.Errorf("the journal after the drain: %v", err)
	}
	s.app.closeExecutor()
	if _, err := s.app.journal.Stats(t.Context()); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("the journal after its end: %v", err)
	}
}

// TestKeysOverReloads checks that a new config affects neither keys nor waiting duplicates.
func TestKeysOverReloads(t *testing.T) {
	u := newUpstream(t)
	r := run(t, u.app(""))
	s := &site{t: t, app: r.app()}
	s.putWorkflow("order", u.workflow(`{"responseMode":"lastNode","timeout":"1m",`+byHeader+`}`))
	send := func() <-chan reply {
		s := &site{t: t, app: r.app(), caddy: r}
		return s.start(keyed("order", "k", `1`))
	}
	first := send()
	<-u.arrived
	joined := []<-chan reply{send()}
	s.waiting(1)
	if err := r.load(u.app(`,"limits":{"executions":7}`)); err != nil {
		t.Fatal(err)
	}
	joined = append(joined, send())
	s.waiting(2)
	close(u.answer)
	answer := <-first
	s.began("the first", answer, http.StatusOK)
	for _, c := range joined {
		s.replayed("over a reload", <-c, answer)
	}
	if err := r.load(u.app("")); err != nil {
		t.Fatal(err)
	}
	s.replayed("after a reload", <-send(), answer)
	if n := len(u.arrived); n != 0 {
		t.Errorf("%d more executions ran", n)
	}
}
