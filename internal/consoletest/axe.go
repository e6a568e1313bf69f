package consoletest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// Axe reports what axe-core finds wrong with the page as it is.
func (p *Page) Axe(what string) {
	p.t.Helper()
	root, err := Root()
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	file := filepath.Join(root, "caddymodule", "console", "web", "node_modules", "axe-core", "axe.min.js")
	script, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatalf("axe-core is not installed (`make console` installs it): %v", err)
	}
	// A world of its own: the page's policy stays as it is, and the page does not see axe.
	tree := call(p, page.GetFrameTree, cdp.Empty{})
	world := call(p, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "axe"})
	yes := true
	r := call(p, runtime.Evaluate, runtime.EvaluateParams{
		ContextID: world.ExecutionContextID, ReturnByValue: &yes, AwaitPromise: &yes,
		Expression: string(script) + `;axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) => ({
			id: v.id, help: v.help, nodes: v.nodes.slice(0, 5).map((n) => n.target.join(" ") + ": " + n.html.slice(0, 200) + ": " + n.failureSummary) }))))`,
	})
	if r.ExceptionDetails != nil {
		p.t.Fatalf("%s: axe: %s", what, r.ExceptionDetails.Text)
	}
	var text string
	var violations []struct {
		ID, Help string
		Nodes    []string
	}
	err = json.Unmarshal(r.Result.Value, &text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &violations)
	}
	if err != nil {
		p.t.Fatalf("%s: axe: %v", what, err)
	}
	for _, v := range violations {
		p.t.Errorf("%s: %s: %s\n\t%s", what, v.ID, v.Help, strings.ReplaceAll(strings.Join(v.Nodes, "\n"), "\n", "\n\t"))
	}
}

// Looks calls f with each size and color scheme that screens are looked at in: 360 and 1440 pixels,
// light and dark.
func (p *Page) Looks(f func(look string)) {
	p.t.Helper()
	for _, width := range []int64{1440, 360} {
		for _, dark := range []bool{false, true} {
			p.Size(width, 900)
			p.Media(dark)
			scheme := "light"
			if dark {
				scheme = "dark"
			}
			f(fmt.Sprintf("%d px, %s", width, scheme))
		}
	}
	p.Size(1440, 900)
	p.Media(false)
}
