//go:build unix

package integration

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestDashboardAndAlerts checks that the dashboard, the alerts and the page about metrics name what
// servers expose: one with a journal of its own, and one that shares its journal. A real Prometheus
// scrapes them, and evaluates all that they ask for.
func TestDashboardAndAlerts(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	causeMetrics(s)
	site, health := freePorts(t)
	edge := startShared(t).edge(t, 0, site, health, "")
	eventually(t, "the edge is healthy", edge.ready)
	p := startPrometheus(t, s.admin, edgeHost(0)+health)

	var exposed map[string]labels
	eventually(t, "Prometheus has scraped what the requests have caused", func() bool {
		exposed = p.series()
		return exposed["caddy_flowtrux_journal_finished_total"] != nil && exposed["caddy_flowtrux_journal_machines"] != nil
	})
	texts := documented(t)
	for _, q := range slices.Concat(dashboardQueries(t), alertQueries(t)) {
		if namesExist(t, q, exposed, texts) {
			p.check(q)
		}
	}
	p.checkRules()
	checkMetricsPage(t, exposed)
}

// causeMetrics sends requests until each metric has a series: of executions that succeed and fail,
// in the journal and not, of duplicates, and of requests that are rejected.
func causeMetrics(s *server) {
	s.t.Helper()
	s.put("echo", echo("lastNode"))
	s.put("accepted", echo("minimal"))
	s.put("failing", `{"nodes":[
		{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
		{"id":"call","type":"http-request","config":{"url":"http://127.0.0.1:1/"}}],
		"edges":[{"source":"trigger","target":"call"}]}`)
	s.put("keyed", `{"nodes":[
		{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode","idempotency":{"header":"Idempotency-Key"}}}},
		{"id":"echo","type":"transform","config":{"output":1}}],
		"edges":[{"source":"trigger","target":"echo"}]}`)
	for _, c := range []struct {
		path, body string
		fields     []string
		status     int
	}{
		{"echo", `{}`, nil, http.StatusOK},
		{"accepted", `{}`, nil, http.StatusOK},
		{"failing", `{}`, nil, http.StatusInternalServerError},
		{"keyed", `{}`, []string{"Idempotency-Key", "k"}, http.StatusOK},
		{"keyed", `{}`, []string{"Idempotency-Key", "k"}, http.StatusOK},
		{"echo", `{`, nil, http.StatusBadRequest},
		{"echo", `{}`, []string{"X-Webhook-Signature", strings.Repeat("0", 64)}, http.StatusUnauthorized},
		{"nobody", `{}`, nil, http.StatusNotFound},
	} {
		if a := s.post("/api/webhooks/"+c.path, c.body, c.fields...); a.status != c.status {
			s.t.Fatalf("%s: %d %s, want %d", c.path, a.status, a.body, c.status)
		}
	}
}

// query is one expression in PromQL, without variables.
type query struct {
	where string // for messages
	expr  string
	alert bool // it is empty while all is well
}

// dashboardQueries returns the queries of the dashboard's panels, variables and annotations.
func dashboardQueries(t *testing.T) []query {
	t.Helper()
	var dashboard struct {
		UID, Title  string
		Panels      []panel
		Annotations struct{ List []struct{ Name, Expr string } }
		Templating  struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	b, err := os.ReadFile(filepath.Join(root(t), "contrib", "grafana", "flowtrux.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &dashboard); err != nil {
		t.Fatal(err)
	}
	var list []query
	var names []string
	for _, v := range dashboard.Templating.List {
		names = append(names, v.Name)
		if v.Type != "query" {
			continue
		}
		m := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(v.Definition)
		if m == nil {
			t.Fatalf("variable %s: %q", v.Name, v.Definition)
		}
		list = append(list, query{where: "variable " + v.Name, expr: "count by (" + m[2] + ") (" + m[1] + ")"})
	}
	if want := []string{"datasource", "job", "instance", "workflow"}; !slices.Equal(names, want) {
		t.Errorf("the variables are %q", names)
	}
	for _, a := range dashboard.Annotations.List {
		if a.Expr != "" {
			list = append(list, query{where: "annotation " + a.Name, expr: a.Expr})
		}
	}
	checkPanels(t, dashboard.Panels)
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			list = append(list, query{where: "panel " + panel.Title, expr: target.Expr})
		}
	}
	fill := strings.NewReplacer("$job", "flowtrux", "$instance", ".*", "$workflow", ".*", "$__rate_interval", "2m")
	for i := range list {
		list[i].expr = fill.Replace(list[i].expr)
		if strings.Contains(list[i].expr, "$") {
			t.Errorf("%s: an unknown variable is in %s", list[i].where, list[i].expr)
		}
	}
	return list
}

// panel is a panel of a Grafana dashboard.
type panel struct {
	ID                       int
	Title, Type, Description string
	GridPos                  struct{ H, W, X, Y int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct{ Expr, RefID, LegendFormat string }
}

// checkPanels checks what Grafana accepts without a word, and readers do not: panels without a unit
// or a description, and panels that lie on others.
func checkPanels(t *testing.T, panels []panel) {
	t.Helper()
	rows := 0
	ids := make(map[int]bool)
	taken := make(map[[2]int]string)
	for _, p := range panels {
		if ids[p.ID] {
			t.Errorf("panel %s: another one has its id", p.Title)
		}
		ids[p.ID] = true
		for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("panel %s lies on %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %s is outside of the grid", p.Title)
		}
		if p.Type == "row" {
			rows++
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %s has no description, or no query", p.Title)
		}
		if p.FieldConfig.Defaults.Unit == "" && p.Type != "heatmap" && p.Type != "state-timeline" {
			t.Errorf("panel %s has no unit", p.Title)
		}
	}
	if rows < 10 || len(panels)-rows < 40 {
		t.Errorf("the dashboard has %d rows, and %d other panels", rows, len(panels)-rows)
	}
}

// alertQueries returns the expressions of all alerts.
func alertQueries(t *testing.T) []query {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	b, err := os.ReadFile(filepath.Join(root(t), "contrib", "prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	var list []query
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			list = append(list, query{where: "alert " + r.Alert, expr: r.Expr, alert: true})
		}
	}
	if len(list) < 15 {
		t.Errorf("only %d alerts were found", len(list))
	}
	return list
}

// documented returns the pages on which values of labels are explained.
func documented(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, page := range []string{"operators/metrics.md", "operators/troubleshooting.md", "senders/responses.md"} {
		b, err := os.ReadFile(filepath.Join(root(t), "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// checkMetricsPage checks that the table of metrics has the names and labels that a server exposes.
func checkMetricsPage(t *testing.T, exposed map[string]labels) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), "docs", "operators", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	explained := make(map[string]bool)
	quoted := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(cells[1], "`caddy_flowtrux_") {
			continue
		}
		name := strings.Trim(cells[1], " `")
		explained[name] = true
		for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
			explained[m[1]] = true // a limit is explained beside what it limits
		}
		got := exposed[name]
		if got == nil {
			got = exposed[name+"_bucket"]
		}
		if got == nil {
			t.Errorf("metrics.md has %s, and the server does not expose it", name)
			continue
		}
		var want []string
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			want = append(want, m[1])
		}
		slices.Sort(want)
		own := slices.DeleteFunc(slices.Sorted(maps.Keys(got)), func(label string) bool {
			return slices.Contains([]string{"__name__", "job", "instance", "le"}, label)
		})
		if !slices.Equal(own, want) {
			t.Errorf("%s has the labels %q, and metrics.md says %q", name, own, want)
		}
	}
	for name := range exposed {
		base := name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if strings.HasPrefix(name, "caddy_flowtrux_") && !explained[base] {
			t.Errorf("the server exposes %s, and metrics.md does not explain it", base)
		}
	}
}
