package message_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/internal/message"
)

func TestNearest(t *testing.T) {
	known := []string{"github", "onError", "timeout", "timeoutSeconds", "config", "concurrency", "id"}
	for word, want := range map[string]string{
		"githb": "github", "GITHUB": "github", "gitlab": "github", "onErr": "onError", "onerr": "onError", "confi": "config",
		"con": "", "time": "", "timeoutS": "timeout", "x": "", "": "", "idd": "id", "i": "", "configuration": "",
	} {
		if got := message.Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// TestNearestOfSwappedLetters: two neighbors that changed places are one mistake, not two.
func TestNearestOfSwappedLetters(t *testing.T) {
	known := []string{"config", "edges", "field", "id", "name", "nodes", "sourceHandle", "type", "url"}
	for word, want := range map[string]string{
		"tpye": "type", "feild": "field", "noeds": "nodes", "ulr": "url", "edegs": "edges", "naem": "name",
		"di": "id", "cofngi": "config", "soruceHandel": "sourceHandle", "epyt": "", "lru": "",
	} {
		if got := message.Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestMessages(t *testing.T) {
	words := []string{"hex", "base64"}
	for got, want := range map[string]string{
		message.OneOf("hex", words):                     "",
		message.OneOf("bas64", words):                   `must be "hex" or "base64", not "bas64"; did you mean "base64"?`,
		message.OneOf("my secret", words):               `must be "hex" or "base64", not "***"`,
		message.DidYouMeanOr("z", words):                "; known: base64, hex",
		message.DidYouMeanOr("z", []string{"whsec_a"}):  "; known: ***",
		message.Either([]string{"a", "b", "c"}):         "a, b or c",
		message.Either(nil):                             "",
		message.Quoted("a\nb"):                          `"a\nb"`,
		message.KindName([]byte("-1")):                  "a number",
		message.InQuotes(string(make([]byte, 100)))[:9]: `"\x00\x00`,
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestNothingThatLooksSecretIsShown: such texts and keys are masked, names and typos are not.
func TestNothingThatLooksSecretIsShown(t *testing.T) {
	for _, s := range []string{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "WHSEC_abc", "x whsec_", "my secret: x",
		"sk_live_abcdefgh", "rk_test_abcdefghijkl", "ghp_abcdefghij", "github_pat_abcdefgh", "glpat-abcdefgh",
		"xoxb-abcdefgh-ijk", "Bearer xoxp-12345678", "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJub25lIn0.e30.",
		"8f742231b10e8888abcd99yyyzzz85a5", "5257a869e7ecebeda32affa62cdca3fa", "key=MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"m4tkQ9r8G+YqrTwjUPD8ILPZ", `{"secret":"x"}`,
	} {
		if got := message.Quoted(s); got != `"***"` {
			t.Errorf("%s is shown as %s", s, got)
		}
		if got := message.InPath(s); got != `["***"]` {
			t.Errorf("the key %s is shown as %s", s, got)
		}
	}
	for _, s := range []string{
		"secret", "clientSecrets", "standard-webhooks", "node-with-a-long-name-12345", "createOrderForCustomerVersion2Draft",
		"9b2f6c1e-4a5d-4f70-8f1c-2b7d3c9e0a11", "V1StGXR8_Z5jdHi6B-myT", "2026-11-30T11:09:18.123456Z", "12345678901234567890123456789012",
		"X-Acme-Webhook-Signature", "task-force", "/schemas/v1/orders2/items3/x4", "sk-1", "steps.order_2.output.items", "sha256",
	} {
		if got := message.Quoted(s); got != strconv.Quote(s) {
			t.Errorf("%s is shown as %s", s, got)
		}
	}
}

// TestLongTextsAreNotShown where one of a few words should stand, unless it is nearly one.
func TestLongTextsAreNotShown(t *testing.T) {
	words := []string{"hex", "base64"}
	if got, want := message.OneOf(strings.Repeat("x ", 20), words), `must be "hex" or "base64", not a text of 40 bytes`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	long := strings.Repeat("alphabet", 5)
	if got, want := message.OneOf(long+"x", []string{long}), strconv.Quote(long+"x"); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
}

func TestIsSecretKey(t *testing.T) {
	for key, want := range map[string]bool{
		"secret": true, "Secrets": true, "clientSecret": true, "my secret": true, "whsec_x": true,
		"secert": true, "SECERT": true, "secerts": true, "scret": true, "secre": true, "sec": true, "sekret": true, "secretl": true,
		"clientSecert": true, "client_secert": true, "CLIENT-SECERT": true, "secertKey": true, "my scret, really": true, "webhook2Secert": true,
		"aSecertB": true, "APISecert": true, "client_secerts": true,
		"": false, "_": false, "a": false, "responseMode": false, "timeoutSec": false, "secondsToWait": false, "selectFields": false, "isSecure": false,
		"signature": false, "description": false, "server": false, "reset": false, "street": false, "screen": false, "script": false, "section": false,
	} {
		if got := message.IsSecretKey(key); got != want {
			t.Errorf("%q: %v", key, got)
		}
	}
}
