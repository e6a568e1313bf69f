package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRequestsSeeNothingOfEachOther sends concurrent requests of all sizes whose bodies, queries
// and headers contain a marker of their own. Some are rejected midway. Requests reuse buffers and
// sessions; markers must not leak between them.
func TestRequestsSeeNothingOfEachOther(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("data", trigger(`{"responseMode":"lastNode"}`))
	s.putWorkflow("nodes", `{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"allNodes"}}},
		{"id":"a","type":"transform","config":{"output":{"all":"{{trigger.data}}","header":"{{trigger.headers.x-mark}}","id":"{{execution.id}}"}}},
		{"id":"b","type":"transform","config":{"output":["{{trigger.data._query.mark}}","{{steps.a.output}}"]}},
		{"id":"c","type":"transform","config":{"output":"{{steps.a.output.header}} is {{trigger.data.mark}}"}}],
		"edges":[{"source":"t","target":"a"},{"source":"a","target":"b"},{"source":"a","target":"c"}]}`)
	const senders, rounds = 6, 10
	mark := func(sender, round int) string { return fmt.Sprintf("mark-%d-%d-", sender, round) }
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for round := range rounds {
				own := mark(sender, round)
				body := fmt.Sprintf(`{"mark":%q,"filler":%q}`, own, strings.Repeat(own, 1<<(round%8)))
				id := "data"
				if round%3 == 0 {
					id = "nodes"
				}
				c := to(id, body).with("X-Mark", own)
				c.path += "?mark=" + own
				if round%4 == 3 {
					c = c.sign("", "wrong", time.Now())
				}
				r, err := s.try(c)
				switch {
				case err != nil:
					t.Error(err)
				case round%4 == 3:
					if r.status != http.StatusUnauthorized || strings.Contains(r.body, "mark") {
						t.Errorf("rejected: %d %s", r.status, r.body)
					}
				case r.status != http.StatusOK || strings.Count(r.body, own) < 3 || strings.Count(r.body, own) != strings.Count(r.body, "mark-"):
					t.Errorf("%s: %d %s", own, r.status, r.body)
				}
			}
		})
	}
	all.Wait()
}
