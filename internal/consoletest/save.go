package consoletest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// save stores what the page shows and what it said, and logs where. It must not fail: the test has
// failed already.
func (p *Page) save() {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>| `, r) {
			return '-'
		}
		return r
	}, p.t.Name())
	dir, err := os.MkdirTemp("", "console-"+name+"-")
	if err != nil {
		p.t.Logf("nothing can be saved: %v", err)
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	p.mu.Lock()
	said := strings.Join(p.said, "\n") + "\n"
	p.mu.Unlock()
	files := map[string][]byte{"messages.txt": []byte(said)}
	if shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{}); err == nil {
		files["screenshot.png"] = shot.Data
	}
	var document string
	if p.eval("document.documentElement.outerHTML", &document) == nil {
		files["document.html"] = []byte(document)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			p.t.Logf("saving %s: %v", name, err)
		}
	}
	p.t.Logf("%s: the screenshot, the document and the messages of the page are in %s", p.Address(), dir)
}
