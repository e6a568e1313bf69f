package consoletest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestTheCommandsDoor opens the console of `caddy flowtrux console`: its address lets in one
// browser, once.
func TestTheCommandsDoor(t *testing.T) {
	s := Start(t, caddy, Options{})
	address, end := s.Door(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimPrefix(u.Fragment, "token=")
	p := browser.Open(t)
	p.Go(address)
	p.Sees(Heading("Workflows"))
	p.Sees(Text("Live"))
	// The token is nowhere, not even for the back button, and scripts do not see the cookie.
	if got := p.Address(); got != "http://"+u.Host+"/#/" {
		t.Errorf("the address bar has %s", got)
	}
	var seen string
	p.Eval(`document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.documentElement.outerHTML`, &seen)
	if strings.Contains(seen, token) || strings.Contains(seen, "flowtrux_console_") {
		t.Errorf("scripts see the token or the cookie: %s", seen)
	}
	p.Reload()
	p.Sees(Heading("Workflows"))

	other := browser.Open(t)
	other.Expect(401)
	other.Go(address) // the token again, in another browser
	other.Sees(Heading("Sign in first"))
	other.Sees(Text("was used already"))
	other.Looks(func(look string) { other.Axe("used token, " + look) })
	other.Go("about:blank")
	other.Go(strings.Replace(address, token, strings.Repeat("A", len(token)), 1))
	other.Sees(Text("another `caddy flowtrux console`"))
	other.Go("about:blank")
	other.Go("http://" + u.Host + "/#/executions") // no token at all
	other.Sees(Heading("Sign in first"))

	// A name of somebody else that leads here, as in DNS rebinding.
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, u.Host)
	}}}
	for _, path := range []string{"/", "/session", "/flowtrux/workflows"} {
		response, err := client.Get("http://rebound.example.com:" + u.Port() + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s under another name: status %d", path, response.StatusCode)
		}
	}

	// The page says when its command has ended, and goes on to say so.
	p.Offline(true)
	other.Offline(true)
	end()
	p.Sees(Text("No connection"))
}

// TestTheCommandsDoorIsReadOnly opens a console that may only read.
func TestTheCommandsDoorIsReadOnly(t *testing.T) {
	s := Start(t, caddy, Options{})
	address, _ := s.Door(t, "--read-only")
	p := browser.Open(t)
	p.Go(address)
	p.Sees(Text("Read-only"))
	p.Expect(403)
	var code string
	p.Eval(`fetch("flowtrux/globals/a", {method: "PUT", headers: {"Content-Type": "application/json", "If-None-Match": "*"}, body: "1"}).then((r) => r.json()).then((r) => r.code)`, &code)
	if code != "read_only" {
		t.Errorf("a write has the code %q", code)
	}
}
