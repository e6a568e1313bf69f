package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// revisionOf returns the revision in an ETag.
func revisionOf(t *testing.T, a answer) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.Trim(a.header.Get("ETag"), `"`), 10, 64)
	if err != nil {
		t.Fatalf("the ETag is %q, of %d %s", a.header.Get("ETag"), a.status, a.body)
	}
	return n
}

// conflict is the body of a 412.
type conflict struct {
	Error    string  `json:"error"`
	Revision int64   `json:"revision"`
	Document *string `json:"document"`
}

// refused checks that a response is a 412 with the current revision, 0 for none.
func refused(t *testing.T, what string, a answer, current int64) conflict {
	t.Helper()
	var c conflict
	if err := json.Unmarshal([]byte(a.body), &c); err != nil || a.status != http.StatusPreconditionFailed ||
		c.Error == "" || c.Revision != current {
		t.Errorf("%s: %d %s, want 412 with revision %d", what, a.status, a.body, current)
	}
	return c
}

// TestPreconditions writes and deletes with If-Match and If-None-Match.
func TestPreconditions(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	for _, kind := range []struct{ path, first, second string }{
		{"workflows/a", echo("lastNode"), echo("minimal")},
		{"secrets/b", "first-secret", `{"secrets":[{"value":"second-secret"}]}`},
		{"globals/c", "1", `"two"`},
	} {
		t.Run(kind.path, func(t *testing.T) {
			stored := func(what string, a answer) int64 {
				t.Helper()
				if a.status != http.StatusOK {
					t.Fatalf("%s: %d %s", what, a.status, a.body)
				}
				return revisionOf(t, a)
			}
			put := func(body string, fields ...string) answer { return s.ask("PUT", kind.path, body, fields...) }

			refused(t, "replacing what is not there", put(kind.first, "If-Match", `"7"`), 0)
			refused(t, "replacing anything", put(kind.first, "If-Match", "*"), 0)
			refused(t, "deleting what is not there", s.ask("DELETE", kind.path, "", "If-Match", `"7"`), 0)
			first := stored("creating", put(kind.first, "If-None-Match", "*"))
			if got := stored("reading", s.ask("GET", kind.path, "")); got != first {
				t.Errorf("the revision is %d after %d was written", got, first)
			}
			c := refused(t, "creating again", put(kind.second, "If-None-Match", "*"), first)
			if doc := s.ask("GET", kind.path, "").body; strings.HasPrefix(kind.path, "workflows/") != (c.Document != nil) ||
				c.Document != nil && *c.Document != doc {
				t.Errorf("the current document is %v, want %s", c.Document, doc)
			}

			last := first
			for _, tag := range []string{`"%d"`, `"%d-gzip"`, `W/"%d"`, "*"} {
				if tag != "*" {
					tag = fmt.Sprintf(tag, last)
				}
				next := stored("replacing "+tag, put(kind.second, "If-Match", tag))
				if next <= last {
					t.Errorf("replacing %s: revision %d follows %d", tag, next, last)
				}
				last = next
			}
			refused(t, "replacing an old revision", put(kind.first, "If-Match", fmt.Sprintf(`"%d"`, first)), last)
			refused(t, "deleting an old revision", s.ask("DELETE", kind.path, "", "If-Match", fmt.Sprintf(`"%d"`, first)), last)

			for fields, want := range map[[2]string]string{
				{"If-Match", "7"}:          "If-Match is * or one revision in quotes",
				{"If-Match", `"x"`}:        "If-Match is * or one revision in quotes",
				{"If-Match", `"1", "2"`}:   "If-Match is * or one revision in quotes",
				{"If-Match", `"0"`}:        "If-Match has no revision",
				{"If-None-Match", `"7"`}:   "If-None-Match is * here",
				{"If-None-Match", `W/"7"`}: "If-None-Match is * here",
			} {
				if a := put(kind.first, fields[0], fields[1]); a.status != http.StatusBadRequest || !strings.Contains(a.body, want) {
					t.Errorf("with %s: %d %s", fields, a.status, a.body)
				}
			}
			if a := put(kind.first, "If-Match", `"7"`, "If-None-Match", "*"); a.status != http.StatusBadRequest {
				t.Errorf("with both: %d %s", a.status, a.body)
			}
			if a := s.ask("DELETE", kind.path, "", "If-None-Match", "*"); a.status != http.StatusBadRequest {
				t.Errorf("deleting what is not there: %d %s", a.status, a.body)
			}

			if a := s.ask("DELETE", kind.path, "", "If-Match", fmt.Sprintf(`"%d"`, last)); a.status != http.StatusOK {
				t.Errorf("deleting: %d %s", a.status, a.body)
			}
			if c := refused(t, "replacing what is gone", put(kind.first, "If-Match", fmt.Sprintf(`"%d"`, last)), 0); c.Document != nil {
				t.Errorf("a document that is gone: %s", *c.Document)
			}
		})
	}
}

// TestOneOfManyWins checks that of many requests that replace the same revision, one succeeds.
func TestOneOfManyWins(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	const rivals = 8
	for _, kind := range []struct{ path, body string }{
		{"workflows/a", echo("lastNode")},
		{"secrets/a?keep_old=1h", "secret-of-%d"},
		{"globals/a", "%d"},
	} {
		path, _, _ := strings.Cut(kind.path, "?")
		match := []string{"If-None-Match", "*"}
		for round := range 5 {
			statuses := make([]int, rivals)
			var all sync.WaitGroup
			for i := range rivals {
				body := kind.body
				if strings.Contains(body, "%d") {
					body = fmt.Sprintf(body, i)
				}
				all.Go(func() { statuses[i] = s.ask("PUT", kind.path, body, match...).status })
			}
			all.Wait()
			won := 0
			for _, status := range statuses {
				switch status {
				case http.StatusOK:
					won++
				case http.StatusPreconditionFailed:
				default:
					t.Errorf("%s: status %d", kind.path, status)
				}
			}
			if won != 1 {
				t.Errorf("%s, round %d: %d of %d have replaced the same revision", kind.path, round, won, rivals)
			}
			match = []string{"If-Match", s.ask("GET", path, "").header.Get("ETag")}
		}
	}
}

// TestOneSecretMoves checks that of many documents with secrets of their own, one gives the
// workflow its secret, and that what keeps the old secret loses none of those that come meanwhile.
func TestOneSecretMoves(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	const rivals = 8
	document := func(secret string) string {
		return strings.Replace(echo("lastNode"), `"webhook":{`, `"webhook":{"secret":"`+secret+`",`, 1)
	}
	var mu sync.Mutex
	var moved []string
	var all sync.WaitGroup
	for i := range rivals {
		all.Go(func() {
			own := fmt.Sprintf("secret-of-rival-%d", i)
			a := s.ask("PUT", "workflows/a", document(own))
			var stored struct{ SecretMoved bool }
			if err := json.Unmarshal([]byte(a.body), &stored); err != nil || a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
			if mu.Lock(); stored.SecretMoved {
				moved = append(moved, own)
			}
			mu.Unlock()
		})
	}
	all.Wait()
	if len(moved) != 1 {
		t.Fatalf("the secrets of %d documents were moved: %q", len(moved), moved)
	}

	for i := range 3 {
		all.Go(func() {
			if a := s.ask("PUT", "secrets/a?keep_old=1h", fmt.Sprintf(`{"secrets":[{"value":"rotated-%d"}]}`, i)); a.status != http.StatusOK {
				t.Errorf("rotating: %d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	var row struct {
		ID       string
		Workflow bool
		Live     int
		Secrets  []struct{ ExpiresAt string }
	}
	a := s.ask("GET", "secrets/a", "")
	if err := json.Unmarshal([]byte(a.body), &row); err != nil || row.Live != 4 || !row.Workflow || strings.Contains(a.body, "rotated") {
		t.Errorf("after 3 rotations at once: %s", a.body)
	}
	two := `{"secrets":[{"value":"one"},{"value":"two"}]}`
	if a := s.ask("PUT", "secrets/a?keep_old=1h", two); a.status != http.StatusBadRequest {
		t.Errorf("keeping the old secret with two new ones: %d %s", a.status, a.body)
	}
	if a := s.ask("PUT", "secrets/orphan", "unused"); a.status != http.StatusOK {
		t.Errorf("a secret without a workflow: %d %s", a.status, a.body)
	}
	var list struct {
		Secrets []struct {
			ID       string
			Revision int64
			Workflow bool
			Live     int
		}
	}
	a = s.ask("GET", "secrets", "")
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list.Secrets) != 2 || list.Secrets[0].ID != "a" ||
		!list.Secrets[0].Workflow || list.Secrets[0].Live != 4 || list.Secrets[0].Revision == 0 ||
		list.Secrets[1].ID != "orphan" || list.Secrets[1].Workflow || strings.Contains(a.body, "unused") {
		t.Errorf("the list of secrets: %s", a.body)
	}
}
