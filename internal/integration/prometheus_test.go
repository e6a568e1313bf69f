//go:build unix

package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/testports"
)

// labels are the label names of a metric, each with one of its values.
type labels map[string]string

// prometheusServer is a Prometheus, Debian's, that scrapes servers and evaluates the alerts.
type prometheusServer struct {
	t       *testing.T
	address string
}

func startPrometheus(t *testing.T, targets ...string) *prometheusServer {
	t.Helper()
	p := &prometheusServer{t: t, address: testports.Address(t)}
	dir := t.TempDir()
	config := fmt.Sprintf(`global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
  - job_name: flowtrux
    static_configs: [{targets: [%s]}]
`, filepath.Join(root(t), "contrib", "prometheus", "alerts.yml"), `"`+strings.Join(targets, `", "`)+`"`)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+p.address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting Prometheus (make setup installs it): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it keeps nothing
		_ = cmd.Wait()
		_ = log.Close()
		if b, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("Prometheus said:\n%s", b)
		}
	})
	return p
}

// get asks the API, and decodes the data of the response. It returns an error of the API.
func (p *prometheusServer) get(path string, parameters url.Values, data any) error {
	p.t.Helper()
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Get("http://" + p.address + "/api/v1/" + path + "?" + parameters.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	r := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("%w: %s", err, b)
	}
	if r.Status != "success" {
		return fmt.Errorf("%s: %s", r.Status, r.Error)
	}
	return nil
}

// series returns all metrics that were scraped. It returns none while Prometheus starts.
func (p *prometheusServer) series() map[string]labels {
	p.t.Helper()
	var list []labels
	if err := p.get("series", url.Values{"match[]": {`{job="flowtrux"}`}}, &list); err != nil {
		return nil
	}
	all := make(map[string]labels)
	for _, l := range list {
		name := l["__name__"]
		if all[name] == nil {
			all[name] = make(labels)
		}
		maps.Copy(all[name], l)
	}
	return all
}

// emptyWhenWell matches panels that are empty while nothing fails.
var emptyWhenWell = regexp.MustCompile(`result="error"}\[\w+\]\)\)$`)

// check evaluates a query. One that is not about trouble finds something.
func (p *prometheusServer) check(q query) {
	p.t.Helper()
	var got struct{ Result []json.RawMessage }
	evaluate := func() error {
		return p.get("query", url.Values{"query": {q.expr}}, &got)
	}
	if err := evaluate(); err != nil {
		p.t.Errorf("%s: %v", q.where, err)
		return
	}
	if q.alert || emptyWhenWell.MatchString(q.expr) {
		return
	}
	// A rate needs two samples.
	eventually(p.t, q.where+" shows something: "+q.expr, func() bool { return evaluate() == nil && len(got.Result) > 0 })
}

// checkRules checks that Prometheus evaluates all alerts without an error.
func (p *prometheusServer) checkRules() {
	p.t.Helper()
	var got struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	healthy := func() bool {
		if err := p.get("rules", nil, &got); err != nil {
			p.t.Fatal(err)
		}
		for _, g := range got.Groups {
			for _, r := range g.Rules {
				if r.Health == "err" {
					p.t.Fatalf("alert %s: %s", r.Name, r.LastError)
				}
				if r.Health != "ok" {
					return false
				}
			}
		}
		return len(got.Groups) > 0
	}
	eventually(p.t, "all alerts have been evaluated", healthy)
}

var (
	selector  = regexp.MustCompile(`([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}`)
	matcher   = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	grouping  = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	duration  = regexp.MustCompile(`\[[^\]]*\]`)
	bareName  = regexp.MustCompile(`[a-zA-Z_:][\w:]*\s*\(?`)
	wordsOfQL = []string{"or", "and", "unless", "bool", "offset"}
)

// namesExist checks that the server exposes the metrics and labels of a query, and that pages
// explain the values for which it looks.
func namesExist(t *testing.T, q query, exposed map[string]labels, texts string) (ok bool) {
	t.Helper()
	ok = true
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s", q.where, fmt.Sprintf(format, args...))
		ok = false
	}
	metrics := make(map[string][][]string) // with the matchers of labels
	for _, m := range selector.FindAllStringSubmatch(q.expr, -1) {
		metrics[m[1]] = append(metrics[m[1]], matcher.FindAllStringSubmatch(m[2], -1)...)
	}
	rest := grouping.ReplaceAllString(selector.ReplaceAllString(duration.ReplaceAllString(q.expr, ""), ""), "")
	for _, word := range bareName.FindAllString(rest, -1) {
		name := strings.TrimSpace(word)
		if _, known := metrics[name]; !known && !strings.HasSuffix(name, "(") && !slices.Contains(wordsOfQL, name) {
			metrics[name] = nil
		}
	}
	if len(metrics) == 0 {
		wrong("no metric was found in %s", q.expr)
	}
	for name, matchers := range metrics {
		if exposed[name] == nil {
			wrong("the server does not expose %s", name)
			continue
		}
		for _, m := range matchers {
			label, value := m[1], m[3]
			if _, ok := exposed[name][label]; !ok {
				wrong("%s has no label %s", name, label)
			}
			if label == "job" || value == ".*" {
				continue
			}
			for v := range strings.SplitSeq(value, "|") {
				if !strings.Contains(texts, "`"+v+"`") {
					wrong("no page explains %s=%q", label, v)
				}
			}
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(q.expr, -1) {
		for label := range strings.SplitSeq(m[1], ",") {
			label = strings.TrimSpace(label)
			known := slices.ContainsFunc(slices.Collect(maps.Keys(metrics)), func(name string) bool {
				_, ok := exposed[name][label]
				return ok
			})
			if !known {
				wrong("none of its metrics has the label %s", label)
			}
		}
	}
	return ok
}
