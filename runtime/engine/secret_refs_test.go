package engine_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/replay"
	"github.com/flowtrux/edge/runtime/sandbox"
)

const hush = "hush-hush-hush"

// server is the server that requests reach. It rejects the first busy requests.
type server struct {
	mu       sync.Mutex
	busy     int
	requests []string
	secrets  [][]string
}

func (s *server) Do(_ context.Context, request []byte, o hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.secrets = append(s.requests, string(request)), append(s.secrets, o.Secrets)
	if s.busy > 0 {
		s.busy--
		return dst, &hostapi.Failure{Code: "http_timeout", Message: "too slow"}
	}
	return append(dst, `{"status":204}`...), nil
}

// blindLab has two node types of one module that are the same, except that "blind" asks for secret
// references and "sees" does not. Their calls share instances.
func blindLab(t *testing.T, s *server) *Lab {
	t.Helper()
	wasm, err := wasmbuild.C(t.Context(), "../../internal/enginetest/testdata/blind/blind.c")
	if err != nil {
		t.Fatal(err)
	}
	nodes := engine.NewNodes(nil, engine.Family{Types: []string{"blind", "sees"}, Load: func() ([]*sandbox.Module, error) {
		return Host.LoadFamily(t.Context(), sandbox.FamilyConfig{Source: "blind.wasm", Wasm: wasm, Grants: hostapi.Grants{HTTP: true}})
	}})
	t.Cleanup(nodes.Release)
	return &Lab{T: t, Nodes: nodes, Engine: engine.New(engine.Config{HTTP: s, Globals: Workspace{
		"plain": `"plain"`, "__secret_key": `"` + hush + `"`, "__secret_pin": `1234567890`, "__secret_on": `true`,
		"__secret_all": `{"user":"a \"b\"\n","list":["` + hush + `",7]}`,
	}})}
}

// asks returns a node that makes a request and looks for the secret in its memory.
func asks(typ, id, request string, settings ...string) string {
	return NodeOf(typ, id, `"find":"`+hex.EncodeToString([]byte(hush))+`","request":`+request, settings)
}

// TestSecretsByReference checks that the server gets the same as from a node with the texts, and
// that the node's memory never contains them.
func TestSecretsByReference(t *testing.T) {
	const request = `{"url":"https://x.example/{{global.__secret_key}}?{{global.plain}}","headers":{"authorization":"Bearer {{global.__secret_key}}"},` +
		`"query":{"k":"{{ global.__secret_key }}","l":["{{global.__secret_all.list}}","x"]},"followRedirects":"{{global.__secret_on}}","body":{"all":"{{global.__secret_all}}",` +
		`"text":"all: {{global.__secret_all}}, {{global.__secret_pin}}{{global.__secret_key}}","pin":"{{global.__secret_pin}}","no":"{{global.__secret_none}}","list":[],"o":{}}}`
	s := new(server)
	l := blindLab(t, s)
	found := func(typ string) string {
		t.Helper()
		r := l.Run(Document("t>a", asks(typ, "a", request)), `{}`)
		if r.Status != engine.Succeeded {
			t.Fatalf("%s: %+v", typ, r.Nodes[1].Err)
		}
		return string(rawjson.Get(r.Nodes[1].Output, "found"))
	}
	if n := found("sees"); n == "0" {
		t.Error("the search finds nothing where there is something")
	}
	if n := found("blind"); n != "0" {
		t.Errorf("the secret stands in the memory %s times", n)
	}
	if len(s.requests) != 2 || s.requests[0] != s.requests[1] || !strings.Contains(s.requests[0], hush) {
		t.Errorf("the requests differ:\n%s", strings.Join(s.requests, "\n"))
	}
	if s.secrets[0] != nil {
		t.Errorf("secrets that were put in where no handles are: %q", s.secrets[0])
	}
	for _, want := range []string{hush, "1234567890", "a \"b\"\n", "7"} {
		if !strings.Contains(strings.Join(s.secrets[1], "|"), want) {
			t.Errorf("%q is not among the secrets that were put in: %q", want, s.secrets[1])
		}
	}
}

// TestReferencesAreOfOneCall checks that attempts share references. Another item or node gets other
// ones, and foreign ones are ordinary texts.
func TestReferencesAreOfOneCall(t *testing.T) {
	s := &server{busy: 1}
	l := blindLab(t, s)
	const request = `{"headers":{"a":"{{global.__secret_key}}"}}`
	r := l.Run(Document("t>a a>b a>c", asks("blind", "a", request, `"retry":{"maxAttempts":2,"backoff":"1ms"}`),
		asks("blind", "b", `{"headers":{"a":"{{steps.a.output.request.headers.a}}"}}`),
		asks("blind", "c", request, `"forEach":"{{trigger.data}}"`)), `[1,2]`)
	if r.Status != engine.Succeeded {
		t.Fatalf("%s", r.Status)
	}
	handle := func(output []byte) string {
		h := string(rawjson.Text(rawjson.Get(rawjson.Get(rawjson.Get(output, "request"), "headers"), "a")))
		if len(h) != len("flowtrux-secret-")+26 || !strings.HasPrefix(h, "flowtrux-secret-") {
			t.Fatalf("the node got %q", output)
		}
		return h
	}
	stolen := handle(r.Nodes[1].Output)
	if again := handle(r.Nodes[2].Output); again != stolen {
		t.Errorf("what was handed on is %s, not %s", again, stolen)
	}
	first, second := handle(rawjson.Index(r.Nodes[3].Output, 0)), handle(rawjson.Index(r.Nodes[3].Output, 1))
	if first == second || first == stolen || second == stolen {
		t.Errorf("handles come again: %s, %s, %s", stolen, first, second)
	}
	got := make(map[string]int)
	for _, r := range s.requests {
		got[r]++
	}
	if got[`{"headers":{"a":"`+hush+`"}}`] != 4 || got[`{"headers":{"a":"`+stolen+`"}}`] != 1 {
		t.Errorf("the server got %q", s.requests)
	}
}

// TestReferencesInRecords checks that the record of a node with references is the same as that of a
// node with texts.
func TestReferencesInRecords(t *testing.T) {
	l := blindLab(t, new(server))
	for _, typ := range []string{"sees", "blind"} {
		r := recorded(l, Document("t>a", asks(typ, "a", `{"headers":{"a":"Bearer {{global.__secret_key}}"}}`)), `{}`)
		n := &r.Nodes[0]
		const want = `{"headers":{"a":"Bearer ***"}}`
		if !strings.HasSuffix(n.Input.Text, `"request":`+want+`}`) || !n.Input.Masked {
			t.Errorf("%s: input %+v", typ, n.Input)
		}
		if h := n.Calls[0].Host[0]; h.Request.Text != want || !h.Request.Masked {
			t.Errorf("%s: request %+v", typ, h.Request)
		}
		if text, err := json.Marshal(r); err != nil || strings.Contains(string(text), hush) {
			t.Errorf("%s: the secret is in the record, %v", typ, err)
		}
		if got := replay.Node(t.Context(), l.Nodes, n).Incomparable; got != "its input holds secrets, which are masked" {
			t.Errorf("%s: %q", typ, got)
		}
	}
}
