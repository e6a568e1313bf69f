package integration

import (
	"bufio"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	// docsHash is the hash of passwords in the examples, and quickHash one that takes no time, of
	// consolePassword.
	docsHash        = "$2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG"
	quickHash       = "$2a$04$JzfOtH7B62OnV.OJR62vcuxQZVJ1uorW46nqoMtD816JRQpEzMh86"
	consolePassword = "correct horse"
)

// example serves an example of the page about the console at this server's address. changes are old
// and new texts in it.
func (s *server) example(heading, scheme, global string, changes ...string) {
	s.t.Helper()
	page, err := os.ReadFile(filepath.Join(root(s.t), "docs", "operators", "console.md"))
	if err != nil {
		s.t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "\n### "+heading+"\n")
	text, _, _ = strings.Cut(text, "\n#")
	_, text, fence := strings.Cut(text, "```caddyfile\n")
	text, _, end := strings.Cut(text, "```")
	if !ok || !fence || !end {
		s.t.Fatalf("the page has no example below %q", heading)
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			s.t.Fatalf("the example below %q has no %q", heading, changes[i])
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	text = strings.ReplaceAll(text, docsHash, quickHash)
	text = strings.ReplaceAll(text, "edge.example.com", scheme+"://"+s.site)
	s.load(fmt.Sprintf("{\n\tadmin %s\n\tpersist_config off\n\tgrace_period 10s\n\tlog {\n\t\toutput file %s\n\t}\n%s\n}\n%s", s.admin, s.log, global, text))
	eventually(s.t, "the store has loaded", func() bool {
		return s.ask(http.MethodGet, "workflows", "").status == http.StatusOK
	})
}

// visit sends a request as the console's page does. fields are the names and values of headers; ""
// removes one. Authorization has a user's name.
func (s *server) visit(scheme, method, path, body string, fields ...string) answer {
	s.t.Helper()
	a, err := s.tryVisit(scheme, method, path, body, fields...)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (s *server) tryVisit(scheme, method, path, body string, fields ...string) (answer, error) {
	req, err := http.NewRequest(method, scheme+"://"+s.site+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(fields); i += 2 {
		switch name, value := fields[i], fields[i+1]; {
		case name == "Authorization":
			req.SetBasicAuth(value, consolePassword)
		case name == "Host":
			req.Host = value
		case value == "":
			req.Header.Del(name)
		default:
			req.Header.Set(name, value)
		}
	}
	client := *s.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b)}, err
}

func (a answer) want(t *testing.T, what string, status int, text string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, text) {
		t.Errorf("%s: %d %.400s, want %d …%s…", what, a.status, a.body, status, text)
	}
}

func TestConsoleWithUsersInTheCaddyfile(t *testing.T) {
	s := start(t)
	s.example("Users in the Caddyfile", "http", "")
	alice := []string{"Authorization", "alice"}
	as := func(more ...string) []string { return append(more, alice...) }
	get := func(path string, fields ...string) answer {
		return s.visit("http", http.MethodGet, path, "", fields...)
	}

	get("/console/").want(t, "nobody", 401, "")
	get("/console/session", "Authorization", "mallory").want(t, "an unknown user", 401, "")
	get("/console/", alice...).want(t, "the page", 200, "<!doctype html>")
	get("/console/session", alice...).want(t, "the session", 200, `"user": "alice"`)
	get("/console/flowtrux/workflows", alice...).want(t, "the API", 200, `"workflows": []`)
	get("/console/none", alice...).want(t, "no file", 404, "no such file")
	get("/console", alice...).want(t, "without the slash", 308, "")
	if to := get("/console?a=b", alice...).header.Get("Location"); to != "./console/?a=b" {
		t.Errorf("without the slash, to %q", to)
	}
	if a := get("/console/", as("Host", "rebound.example.com")...); strings.Contains(a.body, "<!doctype html>") {
		t.Errorf("the page is at any host: %d %s", a.status, a.body)
	}
	if a := get("/elsewhere"); a.header.Get("Content-Security-Policy") != "" {
		t.Errorf("the console serves another path: %v", a.header)
	}

	const document = `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}}],"edges":[]}`
	put := func(path, body string, fields ...string) answer {
		return s.visit("http", http.MethodPut, "/console/flowtrux/"+path, body, as(fields...)...)
	}
	put("workflows/a", document).want(t, "without a revision", 428, "If-Match")
	put("workflows/a", document, "If-None-Match", "*", "Sec-Fetch-Site", "cross-site").want(t, "another site", 403, "own page")
	put("workflows/a", document, "If-None-Match", "*", "Sec-Fetch-Site", "", "Origin", "http://example.com").want(t, "another origin", 403, "own page")
	put("workflows/a", document, "If-None-Match", "*", "Content-Type", "text/plain").want(t, "a form", 415, "application/json")
	put("workflows/a", document, "If-None-Match", "*", "Sec-Fetch-Site", "", "Origin", "http://"+s.site).want(t, "a new one", 200, `"id": "a"`)
	put("workflows/a", document, "If-None-Match", "*").want(t, "it is there already", 412, `"revision"`)
	put("globals/a%2Fb", `1`, "If-None-Match", "*").want(t, "a name with a slash", 200, `"a/b"`)
	put("secrets/a", `{"secrets":[{"value":"canary-in-a-body"}]}`, "If-None-Match", "*").want(t, "a secret", 200, `"live": 1`)
	s.visit("http", http.MethodPost, "/console/flowtrux/send", `{"workflow":"a","body":"{}"}`, alice...).want(t, "a webhook", 200, `"status": 200`)

	lines := s.consoleLog(`"user":"alice"`)
	for i, want := range []string{
		`"what":"workflows/a","status":428`, `"what":"workflows/a","status":403`, `"what":"workflows/a","status":403`,
		`"what":"workflows/a","status":415`, `"what":"workflows/a","status":200`, `"what":"workflows/a","status":412`,
		`"what":"globals/a/b","status":200`, `"what":"secrets/a","status":200`, `"method":"POST","what":"send","status":200`,
	} {
		if i >= len(lines) || !strings.Contains(lines[i], want) || !strings.Contains(lines[i], `"client_ip":"127.0.0.1"`) {
			t.Fatalf("line %d of the log is not about %s:\n%s", i, want, strings.Join(lines, "\n"))
		}
	}
	if text, err := os.ReadFile(s.log); err != nil || strings.Contains(string(text), "canary-in-a-body") {
		t.Errorf("the log has a secret: %v", err)
	}
	for _, path := range []string{"/console/", "/console/none", "/console/session", "/console/flowtrux/status", "/console"} {
		h := get(path, alice...).header
		if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// consoleLog returns the lines about writes that hold a text.
func (s *server) consoleLog(text string) (lines []string) {
	s.t.Helper()
	b, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, `"msg":"console write"`) && strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestConsoleBehindAnotherLogin(t *testing.T) {
	// Who has the cookie is logged in. The service may also let requests pass without a name.
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("login")
		switch {
		case err != nil:
			w.WriteHeader(http.StatusUnauthorized)
		case c.Value != "anonymous":
			w.Header().Set("Remote-User", strings.Trim(c.Value, `"`))
		}
	}))
	defer login.Close()
	s := start(t)
	s.example("Another service's login", "http", "", "localhost:9091", strings.TrimPrefix(login.URL, "http://"))
	get := func(fields ...string) answer {
		return s.visit("http", http.MethodGet, "/console/session", "", fields...)
	}
	get("Cookie", "login=bob").want(t, "bob", 200, `"user": "bob"`)
	get().want(t, "nobody", 401, "")
	get("Remote-User", "bob").want(t, "a forged name", 401, "")
	get("Remote-User", "eve", "Cookie", "login=bob").want(t, "a forged name of another user", 200, `"user": "bob"`)
	get("Cookie", `login="  "`).want(t, "an empty name", 403, "nobody is logged in")
	get("Cookie", "login=anonymous").want(t, "no name", 403, "nobody is logged in")
	get("Remote-User", "bob", "Cookie", "login=anonymous").want(t, "a forged name without another", 403, "nobody is logged in")
	s.visit("http", http.MethodGet, "/console/", "", "Cookie", "login=anonymous", "Sec-Fetch-Mode", "navigate").want(t, "the page", 403, "authenticated_by: {header.Remote-User} for")
	// forward_auth matches the path that dots lead to, which is not the console's
	s.visit("http", http.MethodPut, "/console/flowtrux/globals/..%2F..%2F..%2F..%2Fx", "1", "Remote-User", "bob", "If-None-Match", "*").
		want(t, "a forged name with dots in the path", 400, "the segment ..")
}

func TestConsoleWithClientCertificates(t *testing.T) {
	authority, client := newCertificates(t, "carol")
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t)
	s.site = strings.Replace(s.site, "127.0.0.1", "localhost", 1)
	s.example("Client certificates", "https", "\tauto_https disable_redirects\n\tskip_install_trust\n\tlocal_certs", "/etc/caddy/authority.pem", file)
	with := func(certificates ...tls.Certificate) (a answer, err error) {
		// Its own authority is in the server's data, which nobody trusts.
		s.client.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}}
		return s.tryVisit("https", http.MethodGet, "/console/session", "")
	}
	var got answer
	eventually(t, "the server has its own certificate", func() (ok bool) {
		var err error
		got, err = with(client)
		return err == nil
	})
	got.want(t, "carol", 200, `"user": "CN=carol"`)
	if got, err := with(); err == nil {
		t.Errorf("without a certificate: %d %s", got.status, got.body)
	}
	_, foreign := newCertificates(t, "mallory")
	if got, err := with(foreign); err == nil {
		t.Errorf("with a certificate of another authority: %d %s", got.status, got.body)
	}
}

// newCertificates returns an authority as PEM and a certificate that it has signed.
func newCertificates(t *testing.T, name string) (authority []byte, client tls.Certificate) {
	t.Helper()
	issue := func(serial int64, name string, parent *x509.Certificate, by *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
			IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
		if parent == nil {
			parent, by = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		return der, key
	}
	root, rootKey := issue(1, "authority of "+name, nil, nil)
	parent, err := x509.ParseCertificate(root)
	if err != nil {
		t.Fatal(err)
	}
	leaf, key := issue(2, name, parent, rootKey)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key}
}

func TestTwoConsoles(t *testing.T) {
	s := start(t)
	s.example("Two consoles", "http", "")
	for _, test := range []struct {
		user, path string
		status     int
	}{
		{"alice", "/console/session", 200},
		{"bob", "/console/session", 401},
		{"bob", "/look/session", 200},
		{"alice", "/look/session", 401},
	} {
		s.visit("http", http.MethodGet, test.path, "", "Authorization", test.user).want(t, test.user+" at "+test.path, test.status, "")
	}
	s.visit("http", http.MethodPut, "/look/flowtrux/globals/a", `1`, "Authorization", "bob", "If-None-Match", "*").want(t, "bob writes", 403, `"read_only"`)
	s.visit("http", http.MethodPost, "/look/flowtrux/validate", `{}`, "Authorization", "bob").want(t, "bob validates", 200, `"valid": false`)
	s.visit("http", http.MethodPut, "/console/flowtrux/globals/a", `1`, "Authorization", "alice", "If-None-Match", "*").want(t, "alice writes", 200, "")
}

func TestConsoleBelowAStrippedPath(t *testing.T) {
	s := start(t)
	s.example("Behind another proxy", "http", "", "handle_path /ops/edge/* {", "encode\n\thandle_path /ops/edge/* {")
	get := func(path string, fields ...string) answer {
		return s.visit("http", http.MethodGet, path, "", append(fields, "Authorization", "alice")...)
	}
	get("/ops/edge/").want(t, "the page", 200, `src="assets/`)
	get("/ops/edge/session").want(t, "the session", 200, `"user": "alice"`)
	get("/ops/edge").want(t, "without the slash", 302, "")
	s.visit("http", http.MethodPut, "/ops/edge/flowtrux/globals/a%2Fb", `1`, "Authorization", "alice", "If-None-Match", "*").want(t, "a name with a slash", 200, `"a/b"`)

	// With encode in front, a file is compressed once, and events arrive one by one.
	_, script, _ := strings.Cut(get("/ops/edge/").body, `src="`)
	script, _, _ = strings.Cut(script, `"`)
	plain := get("/ops/edge/"+script, "Accept-Encoding", "identity")
	small := get("/ops/edge/"+script, "Accept-Encoding", "gzip")
	if plain.header.Get("Content-Encoding") != "" || small.header.Get("Content-Encoding") != "gzip" || gunzip(t, small.body) != plain.body {
		t.Errorf("%v\n%v", plain.header, small.header)
	}
	for _, a := range []answer{plain, small} {
		if again := get("/ops/edge/"+script, "Accept-Encoding", "gzip", "If-None-Match", a.header.Get("ETag")); again.status != http.StatusNotModified {
			t.Errorf("again: %d %v", again.status, again.header)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.site+"/ops/edge/flowtrux/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Accept-Encoding", "gzip")
	req.SetBasicAuth("alice", consolePassword)
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	stream := io.Reader(resp.Body)
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if stream, err = gzip.NewReader(resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewScanner(stream)
	for _, want := range []string{"event: ready", `data: {"kind":"global"`} {
		if want != "event: ready" {
			s.visit("http", http.MethodPut, "/ops/edge/flowtrux/globals/c", `1`, "Authorization", "alice", "If-None-Match", "*")
		}
		for !strings.HasPrefix(lines.Text(), want) {
			if !lines.Scan() {
				t.Fatalf("the stream has ended without %q: %v", want, lines.Err())
			}
		}
	}
}

func gunzip(t *testing.T, text string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestConsoleWithoutAuthentication(t *testing.T) {
	s := start(t)
	s.load(strings.Replace(s.caddyfile("", ""), "respond \"next", "flowtrux_console\n\trespond \"next", 1))
	for _, path := range []string{"/console/", "/console/session", "/console/flowtrux/status", "/console/assets/none.js"} {
		s.visit("http", http.MethodGet, path, "").want(t, path, 403, `"error": "nobody is logged in: {http.auth.user.id} is empty"`)
		page := s.visit("http", http.MethodGet, path, "", "Sec-Fetch-Mode", "navigate", "X-Forwarded-For", "127.0.0.1", "Authorization", "alice")
		page.want(t, path, 403, "basic_auth /console/* {")
		if page.header.Get("Content-Type") != "text/html; charset=utf-8" || page.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %v", path, page.header)
		}
	}
	s.visit("http", http.MethodGet, "/consoles/", "").want(t, "another path", 404, "next handler")
}
