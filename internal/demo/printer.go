package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/term"
)

// Colors, as in ECMA-48 (SGR).
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

// printer writes text, with colors on a terminal unless NO_COLOR is set (https://no-color.org).
type printer struct {
	w      io.Writer
	colors bool
}

func newPrinter(f *os.File) *printer {
	return &printer{w: f, colors: term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""}
}

func (p *printer) paint(color, text string) string {
	if !p.colors {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

func (p *printer) title(text string) { p.line("\n%s", p.paint(bold, text)) }

// request prints the lines of a request, body last.
func (p *printer) request(first string, rest ...string) {
	p.line("  %s %s", p.paint(dim, "→"), first)
	for _, l := range rest {
		p.line("    %s", l)
	}
}

// answer prints the status, the headers of interest, and the body.
func (p *printer) answer(resp *http.Response, body []byte, took time.Duration) {
	color := green
	if resp.StatusCode >= 400 {
		color = red
	}
	p.line("  %s %s %s", p.paint(dim, "←"), p.paint(color, resp.Status), p.paint(dim, "after "+took.Round(100*time.Microsecond).String()))
	for _, name := range []string{"X-Execution-Id", "X-Flow"} {
		if v := resp.Header.Get(name); v != "" {
			p.line("    %s: %s", name, v)
		}
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, body, "    ", "  ") != nil {
		pretty.Reset()
		pretty.Write(body)
	}
	p.line("    %s", pretty.String())
}

// try is the request of the reference page; %s is the site.
const try = `PAYLOAD='{"event":"order_created","order_id":"12345"}'
SIGNATURE=$(echo -n "$PAYLOAD" | openssl dgst -sha256 -hmac "your-webhook-secret" | cut -d' ' -f2)
curl -X POST %s/api/webhooks/your-workflow-id \
  -H "Content-Type: application/json" \
  -H "X-Webhook-Signature: $SIGNATURE" \
  -d "$PAYLOAD"`

// invite prints the console's address, and commands to try while the server runs.
func (p *printer) invite(s *server, console string) {
	p.title("See what happened in the console. This address opens it once:")
	p.line("\n%s", p.paint(green, console))
	p.title("Try it yourself, in another shell:")
	p.line("")
	p.line(try, s.site)
	address := ""
	if s.admin != defaultAdmin {
		address = " --address " + s.admin
	}
	p.title("Or look around:")
	p.line("")
	for _, command := range []string{"list", "get your-workflow-id", "nodes", "status"} {
		p.line("bin/caddy flowtrux %s%s", command, address)
	}
	p.line("\n%s", p.paint(dim, "Serving on "+s.site+". Ctrl-C stops."))
}
