package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// admin is an admin endpoint that notes what it is asked.
type admin struct {
	*httptest.Server
	asked []*http.Request
	reply http.HandlerFunc
}

// newAdmin serves an admin endpoint on a network, "tcp" or "unix".
func newAdmin(t *testing.T, network string) (a *admin, address string) {
	t.Helper()
	a = &admin{reply: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Retry-After", "10")
		_, _ = w.Write([]byte(`{}`))
	}}
	listen := "127.0.0.1:0"
	if network == "unix" {
		listen = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, listen)
	if err != nil {
		t.Fatal(err)
	}
	a.Server = &httptest.Server{Listener: ln, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.asked = append(a.asked, r)
		a.reply(w, r)
	})}}
	a.Start()
	t.Cleanup(a.Close)
	if network == "unix" {
		return a, "unix/" + listen
	}
	return a, ln.Addr().String()
}

// newDoor returns the door of the console of a server.
func newDoor(t *testing.T, address string, readOnly bool) *consoleDoor {
	t.Helper()
	cl, err := (&serverOptions{address: address}).client()
	if err != nil {
		t.Fatal(err)
	}
	return newConsoleDoor(t.Context(), cl, 2020, readOnly)
}

// ask sends a request of the console's page, whose headers can be replaced; "" removes one.
func ask(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:2020"+path, strings.NewReader(body))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Referer", "http://127.0.0.1:2020/")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		switch {
		case header[i] == "Host":
			r.Host = header[i+1]
		case header[i+1] == "":
			r.Header.Del(header[i])
		default:
			r.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// login exchanges a token for the cookie.
func login(t *testing.T, d *consoleDoor) (cookie string) {
	t.Helper()
	w := ask(d, "POST", "/session", `{"token":"`+d.token+`"}`)
	if w.Code != http.StatusNoContent {
		t.Fatalf("logging in: %d %s", w.Code, w.Body)
	}
	cookie, attributes, _ := strings.Cut(w.Header().Get("Set-Cookie"), "; ")
	if !strings.HasPrefix(cookie, "flowtrux_console_2020=") || attributes != "Path=/; HttpOnly; SameSite=Strict" {
		t.Errorf("Set-Cookie %q", w.Header().Get("Set-Cookie"))
	}
	return cookie
}

func wantReply(t *testing.T, w *httptest.ResponseRecorder, status int, text string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), text) {
		t.Errorf("%d %.300s, want %d …%s…", w.Code, w.Body, status, text)
	}
	if w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestConsoleDoor(t *testing.T) {
	a, address := newAdmin(t, "tcp")
	d := newDoor(t, address, false)

	// without a session there is only the page
	wantReply(t, ask(d, "GET", "/", ""), 200, "<!doctype html>")
	wantReply(t, ask(d, "GET", "/flowtrux/status", ""), 401, "run `caddy flowtrux console` again")
	wantReply(t, ask(d, "GET", "/session", ""), 401, "this browser has no session")
	wantReply(t, ask(d, "GET", "/flowtrux/status", "", "Cookie", "flowtrux_console_2020=guess"), 401, "no session")

	// names that lead here from elsewhere
	for _, host := range []string{"rebound.example.com:2020", "127.0.0.1", "127.0.0.1:80", "localhost", "[::1]:2020", "127.0.0.1.:2020"} {
		wantReply(t, ask(d, "GET", "/", "", "Host", host), 421, "another address")
		wantReply(t, ask(d, "POST", "/session", `{"token":"`+d.token+`"}`, "Host", host), 421, "another address")
	}
	wantReply(t, ask(d, "GET", "/", "", "Host", "LOCALHOST:2020"), 200, "")

	// what does not log in leaves the token unused
	right := `{"token":"` + d.token + `"}`
	for name, test := range map[string]struct {
		body    string
		header  []string
		status  int
		message string
	}{
		"another token":  {`{"token":"x"}`, nil, 401, "is that of another"},
		"no token":       {`{}`, nil, 401, "is that of another"},
		"no JSON":        {`token`, nil, 400, "the body is not"},
		"long":           {`{"token":"` + strings.Repeat("x", maxLogin) + `"}`, nil, 400, "too large"},
		"a form":         {right, []string{"Content-Type", "text/plain"}, 415, "must be application/json"},
		"another site":   {right, []string{"Sec-Fetch-Site", "cross-site"}, 403, "own page"},
		"another origin": {right, []string{"Sec-Fetch-Site", "", "Origin", "http://127.0.0.1:2021"}, 403, "own page"},
		"no origin":      {right, []string{"Sec-Fetch-Site", ""}, 403, "own page"},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(d, "POST", "/session", test.body, test.header...)
			wantReply(t, w, test.status, test.message)
			if w.Header().Get("Set-Cookie") != "" {
				t.Error("a cookie is set")
			}
		})
	}
	cookie := login(t, d)
	wantReply(t, ask(d, "POST", "/session", right), 401, "was used already")
	// the same browser again
	wantReply(t, ask(d, "POST", "/session", right, "Cookie", cookie), 204, "")
	wantReply(t, ask(d, "GET", "/session", "", "Cookie", cookie), 200, `"door": "command"`)
	if len(a.asked) != 0 {
		t.Fatalf("the server was asked: %v", a.asked)
	}

	w := ask(d, "PUT", "/flowtrux/globals/a%2Fb?x=1", `{}`, "Cookie", cookie, "Origin", "http://127.0.0.1:2020", "If-Match", `"7"`)
	wantReply(t, w, 200, "{}")
	got := a.asked[0]
	if got.Host != address || got.RequestURI != "/flowtrux/globals/a%2Fb?x=1" || got.Header.Get("If-Match") != `"7"` || got.Header.Get("Origin") != "http://"+address {
		t.Errorf("the server was asked %s %s %v", got.Host, got.RequestURI, got.Header)
	}
	for _, name := range []string{"Cookie", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode", "X-Forwarded-For", "User-Agent"} {
		if got.Header.Get(name) != "" {
			t.Errorf("the server got %s", name)
		}
	}
	for _, name := range []string{"Access-Control-Allow-Origin", "Set-Cookie"} {
		if w.Header().Get(name) != "" {
			t.Errorf("the page got %s", name)
		}
	}

	if w.Header().Get("Retry-After") != "10" {
		t.Error("the page does not get Retry-After")
	}

	// nothing but the API can be reached
	for _, path := range []string{"/config/", "/flowtrux", "/flowtrux/../config/", "/flowtrux//config", "/flowtrux/./x"} {
		wantReply(t, ask(d, "GET", path, "", "Cookie", cookie), 404, "there is no such file")
	}
	wantReply(t, ask(d, "GET", "/flowtrux/globals/..%2F..%2Fconfig%2F", "", "Cookie", cookie), 400, "the segment ..")
	if len(a.asked) != 1 {
		t.Errorf("the server was asked %d times", len(a.asked))
	}
}

func TestConsoleChecksWrites(t *testing.T) {
	a, address := newAdmin(t, "tcp")
	for readOnly, want := range map[bool][4]int{false: {200, 428, 403, 200}, true: {403, 403, 403, 200}} {
		d := newDoor(t, address, readOnly)
		cookie := login(t, d)
		for i, w := range []*httptest.ResponseRecorder{
			ask(d, "POST", "/flowtrux/send", `{}`, "Cookie", cookie),
			ask(d, "PUT", "/flowtrux/workflows/a", `{}`, "Cookie", cookie),
			ask(d, "POST", "/flowtrux/send", `{}`, "Cookie", cookie, "Sec-Fetch-Site", "cross-site"),
			ask(d, "POST", "/flowtrux/validate", `{}`, "Cookie", cookie),
		} {
			if w.Code != want[i] {
				t.Errorf("read-only %t: request %d: %d %s, want %d", readOnly, i, w.Code, w.Body, want[i])
			}
		}
	}
	if len(a.asked) != 3 {
		t.Errorf("%d requests have passed", len(a.asked))
	}
}

func TestConsoleOverASocket(t *testing.T) {
	a, address := newAdmin(t, "unix")
	d := newDoor(t, address, false)
	wantReply(t, ask(d, "GET", "/flowtrux/status", "", "Cookie", login(t, d)), 200, "{}")
	if a.asked[0].Host != "127.0.0.1" {
		t.Errorf("Host %q", a.asked[0].Host)
	}
}

func TestConsoleOfAServerThatIsAway(t *testing.T) {
	a, address := newAdmin(t, "tcp")
	d := newDoor(t, address, false)
	cookie := login(t, d)
	a.reply = http.NotFound
	wantReply(t, ask(d, "GET", "/flowtrux/status", "", "Cookie", cookie), 404, `has no FlowTrux Edge: add the`)
	a.reply = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	wantReply(t, ask(d, "GET", "/flowtrux/status", "", "Cookie", cookie), 502, "sending the request to the server")
	a.Close()
	for _, path := range []string{"/flowtrux/status", "/flowtrux/events"} {
		w := ask(d, "GET", path, "", "Cookie", cookie, "Accept", "text/event-stream")
		wantReply(t, w, 502, "no Caddy responds at "+address)
		var e adminapi.Error
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Message == "" {
			t.Errorf("%s: %v", w.Body, err)
		}
	}
}

func TestConsoleStreamsEventsOfPages(t *testing.T) {
	a, address := newAdmin(t, "tcp")
	asked := make(chan string, 10)
	pages := map[string]string{
		"":                    `{"events":[],"next":"c1"}`,
		"after=c1&wait=5s":    `{"events":[{"kind": "a"},` + "\n" + `{"kind":` + "\n" + `"b"}],"next":"c3"}`,
		"after=c3&wait=5s":    `{"events":[],"next":"c9","reset":true}`,
		"after=other&wait=0s": `{"events":[],"next":"c9","reset":true}`,
	}
	a.reply = func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.RawQuery
		if page, ok := pages[r.URL.RawQuery]; ok {
			_, _ = w.Write([]byte(page))
			return
		}
		<-r.Context().Done()
	}
	d := newDoor(t, address, false)
	cookie := login(t, d)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "127.0.0.1:2020"
		d.ServeHTTP(w, r)
	}))
	defer server.Close()
	read := func(url, want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/event-stream")
		req.Header.Set("Cookie", cookie)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	read("/flowtrux/events", "retry: 500\nevent: ready\nid: c1\ndata: {}\n\n"+
		"data: {\"kind\":\"a\"}\n\nid: c3\ndata: {\"kind\":\"b\"}\n\n"+
		"event: reset\nid: c9\ndata: {}\n\n")
	read("/flowtrux/events?after=other", "retry: 500\nevent: ready\nid: other\ndata: {}\n\nevent: reset\nid: c9\ndata: {}\n\n")
	for _, want := range []string{"", "after=c1&wait=5s", "after=c3&wait=5s"} {
		if got := <-asked; got != want {
			t.Errorf("asked for %q, want %q", got, want)
		}
	}
}

func TestConsoleListens(t *testing.T) {
	for _, bad := range []string{"0.0.0.0:2020", ":2020", "example.com:2020", "127.0.0.1", "127.0.0.1:x", "[::1]:2020"} {
		if _, err := (&consoleOptions{listen: bad}).bind(); err == nil || !strings.Contains(err.Error(), "for this machine only") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	first, err := (&consoleOptions{}).bind()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := (&consoleOptions{}).bind()
	if err != nil {
		t.Fatalf("with the port in use: %v", err)
	}
	defer second.Close()
	if ln, err := (&consoleOptions{listen: second.Addr().String()}).bind(); err == nil {
		ln.Close()
		t.Error("the address is served twice")
	}
}

func TestBrowserCommand(t *testing.T) {
	for _, test := range []struct{ goos, env, want string }{
		{"darwin", "", "open"},
		{"windows", "", "rundll32"},
		{"linux", "", ""},
		{"linux", "DISPLAY", "xdg-open"},
		{"freebsd", "WAYLAND_DISPLAY", "xdg-open"},
	} {
		got, _ := browserCommand(test.goos, func(name string) string {
			if name == test.env {
				return ":0"
			}
			return ""
		})
		if got != test.want {
			t.Errorf("%s with %q: %q", test.goos, test.env, got)
		}
	}
}

// TestConsoleCommand runs the command as a program does: it reads the address, opens the console,
// and interrupts it.
func TestConsoleCommand(t *testing.T) {
	_, address := newAdmin(t, "tcp")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, in := io.Pipe()
	cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
	Flowtrux(nil, nil, nil).CobraFunc(cmd)
	cmd.SetOut(in)
	cmd.SetArgs([]string{"console", "--address", address, "--listen", "127.0.0.1:0", "--no-browser", "--json"})
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.ExecuteContext(ctx)
		in.Close()
	}()
	var said struct{ Address, URL string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&said); err != nil || said.Address != address {
		t.Fatalf("%+v %v", said, err)
	}
	go io.Copy(io.Discard, out)
	page, token, _ := strings.Cut(said.URL, "#token=")
	post := func() int {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, page+"session", bytes.NewReader([]byte(fmt.Sprintf(`{"token":%q}`, token))))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", strings.TrimSuffix(page, "/"))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if first, second := post(), post(); first != 204 || second != 401 {
		t.Errorf("the token was used: %d, then %d", first, second)
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, _, err := try(t, "", "console", "--address", freeLoopback(t), "--no-browser"); err == nil || !strings.Contains(err.Error(), "no Caddy responds") {
		t.Errorf("without a server: %v", err)
	}
}

// freeLoopback returns an address at which nobody listens.
func freeLoopback(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
