package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/command"
)

// openConsole runs `caddy flowtrux console` for the server until the test ends. It returns the
// address of the page, and a cookie that is let in.
func (s *server) openConsole() (page, cookie string) {
	s.t.Helper()
	ctx, interrupt := context.WithCancel(s.t.Context())
	out, in := io.Pipe()
	cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
	command.Flowtrux(nil, nil, nil).CobraFunc(cmd)
	cmd.SetOut(in)
	cmd.SetArgs([]string{"console", "--address", s.admin, "--listen", "127.0.0.1:0", "--no-browser", "--json"})
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.ExecuteContext(ctx)
		in.Close()
	}()
	s.t.Cleanup(func() {
		interrupt()
		if err := <-ended; err != nil {
			s.t.Errorf("the console: %v", err)
		}
	})
	var said struct{ URL string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		s.t.Fatalf("the console does not say where it is: %v", err)
	}
	go io.Copy(io.Discard, out)
	page, token, _ := strings.Cut(said.URL, "#token=")
	resp, err := s.browse(http.MethodPost, page+"session", fmt.Sprintf(`{"token":%q}`, token), "")
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	cookie, _, _ = strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	if resp.StatusCode != http.StatusNoContent || cookie == "" {
		s.t.Fatalf("logging in: %d %v", resp.StatusCode, resp.Header)
	}
	return page, cookie
}

// browse sends a request as a browser does that has the cookie.
func (s *server) browse(method, url, body, cookie string) (*http.Response, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	// what makes Caddy's admin endpoint refuse requests
	for name, value := range map[string]string{
		"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Referer": url, "Cookie": cookie, "If-None-Match": "*",
	} {
		req.Header.Set(name, value)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return s.client.Do(req)
}

// TestConsoleOfARunningServer uses a server through the command while it goes away and comes back.
func TestConsoleOfARunningServer(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	page, cookie := s.openConsole()
	ask := func(method, path, body string) answer {
		t.Helper()
		resp, err := s.browse(method, page+path, body, cookie)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer{resp.StatusCode, resp.Header, string(b)}
	}
	ask(http.MethodGet, "flowtrux/status", "").want(t, "the status", 200, `"ready": true`)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+"flowtrux/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Cookie", cookie)
	stream, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	for _, want := range []string{"event: ready", `data: {"kind":"global"`} {
		if want != "event: ready" {
			ask(http.MethodPut, "flowtrux/globals/a", `1`).want(t, "a write", 200, `"key": "a"`)
		}
		for !strings.HasPrefix(lines.Text(), want) {
			if !lines.Scan() {
				t.Fatalf("the stream has ended without %q: %v", want, lines.Err())
			}
		}
	}

	if err := s.tryLoad("{\n\tadmin off\n\tpersist_config off\n}"); err != nil {
		t.Fatal(err)
	}
	ask(http.MethodGet, "flowtrux/status", "").want(t, "while the server is away", 502, "start it with `caddy run`")
	for lines.Scan() { // the stream ends, so that the page sees it
	}
	s.load(s.caddyfile("", ""))
	s.loaded()
	ask(http.MethodGet, "flowtrux/globals/a", "").want(t, "the server is back", 200, "1")
	// a server without FlowTrux Edge
	if err := s.tryLoad(fmt.Sprintf("{\n\tadmin %s\n\tpersist_config off\n}", s.admin)); err != nil {
		t.Fatal(err)
	}
	ask(http.MethodGet, "flowtrux/status", "").want(t, "it has no flowtrux", 404, "flowtrux is not configured")
}
