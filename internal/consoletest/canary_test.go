package consoletest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/flowtrux/edge/internal/crash"
)

// canaries are secrets that must be nowhere, each in its own place.
var canaries = map[string]string{
	"the workflow's secret":      "canary-workflow-0f3a",
	"the secret in the document": "canary-document-7b21",
	"a secret global":            "canary-global-c4d9",
	"a typed secret":             "canary-typed-e81f",
}

// find returns which canaries are in a text, also in forms that programs give texts.
func find(text string) (found []string) {
	for what, secret := range canaries {
		for _, form := range []string{
			secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		} {
			if strings.Contains(text, form) {
				found = append(found, what)
				break
			}
		}
	}
	return found
}

// recorder hands requests on to a server, and looks at all that comes back.
type recorder struct {
	*httptest.Server
	mu    sync.Mutex
	seen  map[string][]string // canaries in the responses, by URL
	bytes int
}

func record(t *testing.T, site string) *recorder {
	t.Helper()
	target, err := url.Parse("http://" + site)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{seen: make(map[string][]string)}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Host = p.In.Host // the page's origin has to be that of the Host
			p.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(resp *http.Response) error {
			at := resp.Request.Method + " " + resp.Request.URL.Path
			r.note(at, fmt.Sprint(resp.Header))
			if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					return err
				}
				r.note(at, string(body))
				resp.Body = io.NopCloser(bytes.NewReader(body))
				return nil
			}
			resp.Body = &tap{ReadCloser: resp.Body, note: func(text string) { r.note(at, text) }}
			return nil
		},
		FlushInterval: -1, // events at once
	}
	r.Server = httptest.NewServer(proxy)
	t.Cleanup(func() {
		r.CloseClientConnections()
		r.Close()
	})
	return r
}

func (r *recorder) note(at, text string) {
	found := find(text)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes += len(text)
	if len(found) > 0 {
		r.seen[at] = found
	}
}

// tap looks at what is read. Each look includes the end of the one before.
type tap struct {
	io.ReadCloser
	end  string
	note func(string)
}

func (s *tap) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	text := s.end + string(p[:n])
	s.note(text)
	s.end = text[max(0, len(text)-200):]
	return n, err
}

// TestSecretsAreNowhere goes to all screens of a server whose workflow has secrets, sets others,
// and sends an event that uses them. They are in no response, page, address, storage or log line.
func TestSecretsAreNowhere(t *testing.T) {
	s := Start(t, caddy, Options{Site: "log"})
	document := strings.Replace(Document("Canary", []string{
		Transform("use", `{"key":"{{global.__secret_key}}","said":"{{trigger.data}}","headers":"{{trigger.headers}}"}`),
		`{"id":"fail","type":"code","config":{"source":"console.log('the key is', input); throw new Error('not with ' + input)","input":"{{global.__secret_key}}"}}`,
	}, []string{"trigger>use", "trigger>fail"}), `"responseMode"`, `"secret":"`+canaries["the secret in the document"]+`","responseMode"`, 1)
	for path, body := range map[string]string{
		"globals/__secret_key":  `"` + canaries["a secret global"] + `"`,
		"workflows/in-document": document,
		"workflows/canary":      strings.Replace(document, `"secret":"`+canaries["the secret in the document"]+`",`, "", 1),
		"secrets/canary":        canaries["the workflow's secret"],
	} {
		if err := s.AdminRequest(t.Context(), http.MethodPut, path, []byte(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.WaitPrepared(t.Context()); err != nil {
		t.Fatal(err)
	}
	for workflow, secret := range map[string]string{"canary": canaries["the workflow's secret"], "in-document": canaries["the secret in the document"]} {
		if _, err := s.Send(t.Context(), crash.Request{Workflow: workflow, Body: `{"a":1}`, Secret: secret}); err != nil {
			t.Fatal(err)
		}
	}

	proxy := record(t, s.Site())
	p := browser.Open(t)
	p.Expect(404, 500)
	p.SignIn(proxy.URL+"/console/", User, Password)
	look := func(what string) {
		t.Helper()
		p.Rests()
		for _, found := range find(p.Everything()) {
			t.Errorf("%s: %s is in the page, its address or its storage", what, found)
		}
	}
	p.Sees(Link("Canary"))
	for _, route := range []string{
		"#/", "#/workflows/canary", "#/workflows/canary/document", "#/workflows/canary/try", "#/workflows/in-document",
		"#/workflows/in-document/document", "#/executions", "#/secrets", "#/globals", "#/nodes", "#/nodes/code", "#/status",
	} {
		p.Eval("location.hash = "+quote(route), nil)
		look(route)
	}

	// A secret that is typed is there until it is stored, and nowhere afterwards.
	p.Eval(`location.hash = "#/secrets"`, nil)
	p.Click(Button("the secret of Canary").At(0))
	p.Click(Query{Role: "radio", Name: "Enter"})
	p.Fill(Field("Secret"), canaries["a typed secret"])
	p.Click(Button("Replace"))
	p.SeesNot(Dialog(""))
	look("after a secret was set")

	p.Eval(`location.hash = "#/workflows/canary/try"`, nil)
	p.Fill(Field("Body"), `{"order":"{{x}}"}`)
	p.Press("Control+Enter")
	p.Sees(Link("exec-"))
	look("after an event was sent")
	p.Click(Link("exec-").At(0))
	p.At("#/executions/exec-")
	for _, id := range []string{"use", "fail", "trigger"} {
		p.Click(CSS(`.graph g[data-node="` + id + `"]`))
		look("the execution, node " + id)
	}
	p.Sees(Text("***"))

	for at, found := range proxy.seen {
		t.Errorf("%q in the response of %s", found, at)
	}
	if proxy.bytes < 100_000 {
		t.Errorf("only %d bytes were looked at", proxy.bytes)
	}
	log := s.Log()
	if found := find(log); len(found) > 0 || !strings.Contains(log, "/console/") {
		t.Errorf("%q in the log, which has %d bytes", found, len(log))
	}
}
