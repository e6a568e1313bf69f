package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

// getCountsOf reads GET counts.
func getCountsOf(t testing.TB, query string) (status int, counts adminapi.Counts, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	api := apiHandler()
	api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, adminapi.Base+"counts"+query, nil))
	if w.Code == http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), &counts); err != nil {
			t.Fatalf("GET counts%s: %v", query, err)
		}
	}
	return w.Code, counts, w.Body.String()
}

func sumOf(hours []int) (n int) {
	for _, count := range hours {
		n += count
	}
	return n
}

// TestCounts: what ends and what is rejected is counted, recorded or not, over reloads.
func TestCounts(t *testing.T) {
	r := run(t, `{}`)
	s := site{t: t, app: r.app()}
	s.app.executor.LimitRecords(0)
	for n := range 3 {
		r.echo(fmt.Sprint(n))
	}
	resp, err := r.client.Post("http://"+r.address+defaultPrefix+"echo", "application/json", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for again := range 2 {
		_, c, body := getCountsOf(t, "?hours=2")
		if len(c.Workflows) != 1 || c.Hours != 2 || time.Since(c.From) > 3*time.Hour {
			t.Fatalf("counts: %s", body)
		}
		w := c.Workflows[0]
		if w.ID != "echo" || sumOf(w.Succeeded) != 3 || len(w.Succeeded) != 2 || w.Failed != nil || w.Median <= 0 ||
			w.Last.Status != journal.Succeeded || time.Since(w.Last.EndedAt) > time.Minute || !strings.HasPrefix(w.Last.ID, "exec-") {
			t.Errorf("counts: %s", body)
		}
		if len(c.Rejections) != 1 || c.Rejections[0].Code != "invalid_signature" || sumOf(c.Rejections[0].Counts) != 1 {
			t.Errorf("rejections: %s", body)
		}
		if again == 0 {
			if err := r.load(`{"limits":{"executions":100}}`); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, c, body := getCountsOf(t, "?workflow=other"); len(c.Workflows) != 0 || c.Hours != 24 || !strings.Contains(body, `"workflows":[]`) {
		t.Errorf("another workflow: %s", body)
	}
	for _, query := range []string{"?hours=0", "?hours=73", "?hours=x", "?hours=-1", "?hours=1.5", "?hour=1", "?hours=1&hours=2"} {
		if status, _, body := getCountsOf(t, query); status != http.StatusBadRequest || !strings.Contains(body, `"error"`) {
			t.Errorf("GET counts%s: %d %s", query, status, body)
		}
	}
}

// BenchmarkGetCounts reads a day and three days of 1,000 workflows that run each hour.
func BenchmarkGetCounts(b *testing.B) {
	s := newSite(b, `{}`, `{}`)
	now := time.Now()
	for hour := range journal.MaxCountedHours {
		at := now.Add(time.Duration(hour-journal.MaxCountedHours+1) * time.Hour)
		for w := range 1000 {
			for n, status := range []string{journal.Succeeded, journal.Succeeded, journal.Failed} {
				s.app.counting.CountEnded(journal.EndedCount{
					Workflow: fmt.Sprint("workflow-", w), ID: "exec-01jd000000000000000000000", Status: status, EndedAt: at,
					Duration: time.Duration(n+1) * time.Millisecond,
				})
			}
		}
	}
	for _, hours := range []string{"24", "72"} {
		b.Run(hours+" hours", func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, adminapi.Base+"counts?hours="+hours, nil)
			for b.Loop() {
				w := httptest.NewRecorder()
				if err := getCounts(s.app, w, r); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(w.Body.Len()), "bytes")
			}
		})
	}
}
