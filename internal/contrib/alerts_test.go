// Package contrib tests what ships for operators besides the server: alerts, the Dockerfile and the
// Compose file. There is no container runtime where the tests run, so they check the rules that a
// runtime would not: pinned versions, users, sources, ports. internal/integration runs the same
// configs as processes, and compares the dashboard and the alerts with a server.
package contrib

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// top is the path of the repository from this package.
const top = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// decode decodes a YAML file. Keys that into does not have are ignored.
func decode(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, name)), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// TestPromtool runs Prometheus's own checks of the rules, and the tests of when they fire.
func TestPromtool(t *testing.T) {
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"},
		{"check", "rules", "alerts.yml"},
		{"test", "rules", "alerts_test.yml"},
	} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = filepath.Join(top, "contrib", "prometheus")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s (make setup installs it): %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	decode(t, "contrib/prometheus/alerts.yml", &file)
	var list []alert
	for _, g := range file.Groups {
		list = append(list, g.Rules...)
	}
	if len(list) < 15 {
		t.Fatalf("only %d alerts were found", len(list))
	}
	return list
}

// TestFleetGaugesAreNotSummed: machines that share a journal all show the same of it.
func TestFleetGaugesAreNotSummed(t *testing.T) {
	same := `caddy_flowtrux_journal_(?:pending|running|oldest_pending_seconds|bytes|max_bytes|machines|durability|required_durability)\b`
	sum := regexp.MustCompile(`\b(?:sum|avg)\b[^(\n]*(?:\([^()\n]*\)\s*)?\(+\s*` + same)
	for _, bad := range []string{"sum(caddy_flowtrux_journal_pending)", "sum by (job) (caddy_flowtrux_journal_bytes{})", "avg without (job) ((caddy_flowtrux_journal_machines"} {
		if !sum.MatchString(bad) {
			t.Errorf("it is not found in %s", bad)
		}
	}
	for _, name := range []string{"contrib/grafana/flowtrux.json", "contrib/prometheus/alerts.yml"} {
		text := read(t, name)
		if found := sum.FindString(text); found != "" {
			t.Errorf("%s: %s", name, found)
		}
		if len(regexp.MustCompile(same).FindAllString(text, -1)) < 4 {
			t.Errorf("%s asks for none of them", name)
		}
	}
}

// TestAlertsAreComplete checks that each alert has what an operator needs at night, and that a test
// shows that it fires and clears.
func TestAlertsAreComplete(t *testing.T) {
	var tests struct {
		Tests []struct {
			Name          string
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	decode(t, "contrib/prometheus/alerts_test.yml", &tests)
	outcomes := make(map[string]string) // of each alert: f = fires, c = is clear
	for _, test := range tests.Tests {
		for _, at := range test.AlertRuleTest {
			outcome := "c"
			if len(at.ExpAlerts) > 0 {
				outcome = "f"
			}
			outcomes[at.Alertname] += outcome
		}
	}
	page := read(t, "docs/operators/troubleshooting.md")
	seen := make(map[string]bool)
	for _, a := range alerts(t) {
		if seen[a.Alert] {
			t.Errorf("%s occurs twice", a.Alert)
		}
		seen[a.Alert] = true
		if !strings.Contains(outcomes[a.Alert], "fc") {
			t.Errorf("%s: no test lets it fire, and then clear", a.Alert)
		}
		if s := a.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s has the severity %q", a.Alert, s)
		}
		if a.For == "" && !strings.Contains(a.Expr, "changes(") {
			t.Errorf("%s fires for a moment's trouble: it has no for", a.Alert)
		}
		for _, name := range []string{"summary", "description"} {
			if a.Annotations[name] == "" {
				t.Errorf("%s has no %s", a.Alert, name)
			}
		}
		if want := "docs/operators/troubleshooting.md#" + strings.ToLower(a.Alert); a.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %q, want %q", a.Alert, a.Annotations["runbook_url"], want)
		}
		if !strings.Contains(page, "\n### "+a.Alert+"\n") {
			t.Errorf("troubleshooting.md has no section %s", a.Alert)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^### (FlowTrux\w+)$`).FindAllStringSubmatch(page, -1) {
		if !seen[m[1]] {
			t.Errorf("troubleshooting.md has a section %s, and there is no such alert", m[1])
		}
	}
}
