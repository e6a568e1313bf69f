package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowtrux/edge/internal/consoletest"
)

// Sizes as browsers transfer them, in thousands of bytes.
const (
	maxSize  = 250
	maxFirst = 60
)

// sizes adds up what the server sends: all of the console's files, and those that a browser loads
// for each screen but the editor.
func sizes(b *bench) {
	s := consoletest.Start(b, b.caddy, consoletest.Options{})
	root, err := consoletest.Root()
	if err != nil {
		b.Fatalf("%v", err)
	}
	files, err := filepath.Glob(filepath.Join(root, "caddymodule", "console", "dist", "assets", "*"))
	if err != nil || len(files) == 0 {
		b.Fatalf("there are no files in dist: %v", err)
	}
	size := map[string]int{"": transferred(b, s.Console())}
	all := size[""]
	for _, f := range files {
		name := filepath.Base(f)
		size[name] = transferred(b, s.Console()+"assets/"+name)
		all += size[name]
	}

	p := b.open(s)
	largest, where := 0, ""
	for _, screen := range []string{"Workflows", "Executions", "Secrets", "Globals", "Node types", "Status"} {
		p.Click(consoletest.Link(screen).Within(consoletest.Query{Role: "navigation", Name: "Main"}))
		p.Reload()
		p.Sees(consoletest.Heading(screen))
		p.Rests()
		var loaded []string
		p.Eval(`performance.getEntriesByType("resource").map((r) => r.name).filter((n) => n.includes("/assets/"))`, &loaded)
		sum := size[""]
		for _, url := range loaded {
			sum += size[url[strings.LastIndex(url, "/")+1:]]
		}
		if sum > largest {
			largest, where = sum, screen
		}
	}
	kilobytes := func(what string, bound, n int) figure {
		return figure{what, fmt.Sprintf("≤ %d KB", bound), fmt.Sprintf("%.1f KB", float64(n)/1000), n <= bound*1000}
	}
	b.out(kilobytes("size of all files, gzipped", maxSize, all))
	b.out(kilobytes("size of the largest screen before the editor opens, "+where, maxFirst, largest))
}

// transferred returns the length of a response's body as a browser gets it.
func transferred(b *bench, url string) int {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		b.Fatalf("%v", err)
	}
	req.SetBasicAuth(consoletest.User, consoletest.Password)
	req.Header.Set("Accept-Encoding", "gzip") // set here, it is not undone
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatalf("%v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: status %d, %v", url, resp.StatusCode, err)
	}
	if !strings.HasSuffix(url, ".map") && resp.Header.Get("Content-Encoding") != "gzip" && len(body) > 1000 {
		b.Fatalf("%s is not compressed: %s", url, filepath.Base(os.Args[0]))
	}
	return len(body)
}
