package signature

import (
	"errors"
	"strings"
	"testing"
)

func TestParseScheme(t *testing.T) {
	if s, err := ParseScheme(nil); err != nil || s.Name() != "flowtrux" || s.Headers()[0] != "X-Webhook-Signature" {
		t.Errorf("default scheme: %v, %v", s, err)
	}
	for _, tt := range []struct{ settings, name string }{
		{`{}`, "flowtrux"},
		{` { "scheme" : "slack" } `, "slack"},
		{`{"\u0073cheme":"custom","header":"x-acme"}`, "custom"},
		{`{"scheme":"custom","header":"Authorization","prefix":"HMAC ","encoding":"base64"}`, "custom"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-B","payload":"{\"t\":{timestamp},\"b\":{body}}"}`, "custom"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-B","timestampFormat":"unix","payload":"{timestamp}{body}"}`, "custom"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-B","timestampFormat":"unix-ms","payload":"{timestamp}{body}"}`, "custom"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-B","timestampFormat":"rfc3339","payload":"{timestamp}{body}"}`, "custom"},
	} {
		s, err := ParseScheme([]byte(tt.settings))
		if err != nil || s.Name() != tt.name {
			t.Errorf("%s: %v, %v", tt.settings, s, err)
		}
	}
}

func TestParseSchemeProblems(t *testing.T) {
	for _, tt := range []struct{ settings, path, reason string }{
		{``, "", "is not JSON: no value"},
		{`{`, "", "is not JSON: unexpected end"},
		{`null`, "", "must be an object"},
		{`"github"`, "", "must be an object"},
		{`[]`, "", "must be an object"},
		{`{"scheme":"github","scheme":"stripe"}`, "", "has a key twice"},
		{`{"scheme":"GitHub"}`, "scheme", "must be one of flowtrux, github, stripe, slack, shopify, standard-webhooks, custom"},
		{`{"scheme":""}`, "scheme", "must be one of flowtrux, github, stripe, slack, shopify, standard-webhooks, custom"},
		{`{"scheme":null}`, "scheme", "must be a string"},
		{`{"schema":"github"}`, "schema", "unknown key"},
		{`{"scheme":"github","header":"X-A"}`, "header", "only the scheme custom has this key"},
		{`{"payload":"{body}"}`, "payload", "only the scheme custom has this key"},
		{`{"scheme":"custom"}`, "header", "must be the name of a header"},
		{`{"scheme":"custom","header":7}`, "header", "must be a string"},
		{`{"scheme":"custom","header":"X A"}`, "header", "is not a valid header name"},
		{`{"scheme":"custom","header":"X-Ä"}`, "header", "is not a valid header name"},
		{`{"scheme":"custom","header":"content-length"}`, "header", "must not be a header that frames the request"},
		{`{"scheme":"custom","header":"host"}`, "header", "must not be a header that frames the request"},
		{`{"scheme":"custom","header":"X-A","algorithm":"md5"}`, "algorithm", "must be one of sha1, sha256, sha512"},
		{`{"scheme":"custom","header":"X-A","encoding":"base32"}`, "encoding", "must be one of hex, base64"},
		{`{"scheme":"custom","header":"X-A","prefix":" v1="}`, "prefix", "must be printable ASCII and not begin with a space"},
		{`{"scheme":"custom","header":"X-A","prefix":"v\u0000"}`, "prefix", "must be printable ASCII and not begin with a space"},
		{`{"scheme":"custom","header":"X-A","payload":""}`, "payload", "must contain {body} exactly once"},
		{`{"scheme":"custom","header":"X-A","payload":"{body}{body}"}`, "payload", "must contain {body} exactly once"},
		{`{"scheme":"custom","header":"X-A","payload":"{timestamp}.{body}"}`, "payload", "must not contain {timestamp} because timestampHeader is not set"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-T"}`, "payload", "must contain {timestamp} because timestampHeader is set"},
		{`{"scheme":"custom","header":"X-A","payload":"{id}.{body}"}`, "payload", "must not contain {id}: only standard-webhooks has one"},
		{`{"scheme":"custom","header":"X-A","timestampFormat":"unix"}`, "timestampFormat", "is only for a time in a timestampHeader"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-T","timestampFormat":"RFC3339","payload":"{timestamp}{body}"}`, "timestampFormat", "must be one of unix, unix-ms, rfc3339"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-T","timestampFormat":"","payload":"{timestamp}{body}"}`, "timestampFormat", "must be one of unix, unix-ms, rfc3339"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-T","timestampFormat":1,"payload":"{timestamp}{body}"}`, "timestampFormat", "must be a string"},
		{`{"scheme":"slack","timestampFormat":"unix"}`, "timestampFormat", "only the scheme custom has this key"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":""}`, "timestampHeader", "must be the name of a header"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"x-a","payload":"{timestamp}{body}"}`, "timestampHeader", "must be another one than header"},
		{`{"scheme":"custom","header":"` + strings.Repeat("x", maxText+1) + `"}`, "header", "is too long"},
	} {
		s, err := ParseScheme([]byte(tt.settings))
		var e *Error
		if !errors.As(err, &e) || s != nil {
			t.Errorf("%s: %v, %v", tt.settings, s, err)
			continue
		}
		if e.Path != tt.path || e.Reason != tt.reason {
			t.Errorf("%s: %q %q, want %q %q", tt.settings, e.Path, e.Reason, tt.path, tt.reason)
		}
	}
}

func TestParts(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                          "",
		"{body}":                    "B",
		"{timestamp}.{body}":        "T[.]B",
		"v0:{timestamp}:{body}!":    "[v0:]T[:]B[!]",
		"{{body}}":                  "[{]B[}]",
		"{bod}{body":                "[{bod}{body]",
		`{"id":"{id}","b":{body}}`:  `[{"id":"]I[","b":]B[}]`,
		"}{body}{timestamp}{body}{": "[}]BTB[{]",
	} {
		var got strings.Builder
		for _, p := range parts(pattern) {
			got.WriteString([]string{"[" + p.text + "]", "B", "T", "I"}[p.field])
		}
		if got.String() != want {
			t.Errorf("%q: %s, want %s", pattern, got.String(), want)
		}
	}
}

func FuzzParseScheme(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Settings))
	}
	f.Add([]byte(acme))
	f.Add([]byte(`{"scheme":"custom","header":"X-A","payload":"{{body}"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ParseScheme(raw)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Reason == "" || s != nil {
				t.Errorf("%v, %#v", s, err)
			}
			return
		}
		// What parses can be signed for and verified.
		h := signed(t, s, nil)
		if got := verify(s, h, []byte(body), []Key{key("secret")}, now); got != OK {
			t.Errorf("%s: %q for %v", raw, got, h)
		}
	})
}
