package signature

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
		{`null`, "", "must be an object, not null"},
		{`"github"`, "", "must be an object, not a string"},
		{`[]`, "", "must be an object, not an array"},
		{`{"scheme":"github","scheme":"stripe"}`, "scheme", "is given twice"},
		{`{"scheme":"GitHub"}`, "scheme", `must be "flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks" or "custom", not "GitHub"; did you mean "github"?`},
		{`{"scheme":""}`, "scheme", `must be "flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks" or "custom", not ""`},
		{`{"scheme":"githb","header":"X-A"}`, "scheme", `must be "flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks" or "custom", not "githb"; did you mean "github"?`},
		{`{"scheme":null}`, "scheme", "must be a string, not null"},
		{`{"schema":"github"}`, "schema", `unknown key; did you mean "scheme"?`},
		{`{"scheme":"github","header":"X-A"}`, "header", "only the scheme custom has this key"},
		{`{"payload":"{body}"}`, "payload", "only the scheme custom has this key"},
		{`{"scheme":"custom"}`, "header", "is required"},
		{`{"scheme":"custom","header":""}`, "header", "must be the name of a header"},
		{`{"scheme":"custom","heder":"X-A"}`, "heder", `unknown key; did you mean "header"?`},
		{`{"scheme":"custom","header":7}`, "header", "must be a string, not a number"},
		{`{"scheme":"custom","header":"X A"}`, "header", "is not a valid header name"},
		{`{"scheme":"custom","header":"X-Ä"}`, "header", "is not a valid header name"},
		{`{"scheme":"custom","header":"content-length"}`, "header", "must not be a header that frames the request"},
		{`{"scheme":"custom","header":"host"}`, "header", "must not be a header that frames the request"},
		{`{"scheme":"custom","header":"X-A","algorithm":"md5"}`, "algorithm", `must be "sha1", "sha256" or "sha512", not "md5"`},
		{`{"scheme":"custom","header":"X-A","encoding":"base32"}`, "encoding", `must be "hex" or "base64", not "base32"; did you mean "base64"?`},
		{`{"scheme":"custom","header":"X-A","prefix":" v1="}`, "prefix", "must be printable ASCII and not begin with a space"},
		{`{"scheme":"custom","header":"X-A","prefix":"v\u0000"}`, "prefix", "must be printable ASCII and not begin with a space"},
		{`{"scheme":"custom","header":"X-A","payload":""}`, "payload", "must contain {body} exactly once"},
		{`{"scheme":"custom","header":"X-A","payload":"{body}{body}"}`, "payload", "must contain {body} exactly once"},
		{`{"scheme":"custom","header":"X-A","payload":"{timestamp}.{body}"}`, "payload", "must not contain {timestamp} because timestampHeader is not set"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-T"}`, "payload", "must contain {timestamp} because timestampHeader is set"},
		{`{"scheme":"custom","header":"X-A","payload":"{id}.{body}"}`, "payload", "must not contain {id}: only standard-webhooks has one"},
		{`{"scheme":"custom","header":"X-A","timestampFormat":"unix"}`, "timestampFormat", "is only for a time in a timestampHeader"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-T","timestampFormat":"RFC3339","payload":"{timestamp}{body}"}`, "timestampFormat", `must be "unix", "unix-ms" or "rfc3339", not "RFC3339"; did you mean "rfc3339"?`},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-T","timestampFormat":"","payload":"{timestamp}{body}"}`, "timestampFormat", `must be "unix", "unix-ms" or "rfc3339", not ""`},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"X-T","timestampFormat":1,"payload":"{timestamp}{body}"}`, "timestampFormat", "must be a string, not a number"},
		{`{"scheme":"slack","timestampFormat":"unix"}`, "timestampFormat", "only the scheme custom has this key"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"","payload":"{timestamp}{body}"}`, "timestampHeader", "must be the name of a header"},
		{`{"scheme":"custom","header":"X-A","timestampHeader":"x-a","payload":"{timestamp}{body}"}`, "timestampHeader", "must be another one than header"},
		{`{"scheme":"custom","header":"` + strings.Repeat("x", maxText+1) + `"}`, "header", "is too long"},
	} {
		s, err := ParseScheme([]byte(tt.settings))
		var all Errors
		if !errors.As(err, &all) || len(all) != 1 || s != nil {
			t.Errorf("%s: %v, %v", tt.settings, s, err)
			continue
		}
		if e := all[0]; e.Path != tt.path || e.Reason != tt.reason {
			t.Errorf("%s: %q %q, want %q %q", tt.settings, e.Path, e.Reason, tt.path, tt.reason)
		}
	}
}

// TestParseSchemeTellsAllAtOnce checks that each mistake causes one problem, and that none follows
// from another.
func TestParseSchemeTellsAllAtOnce(t *testing.T) {
	_, err := ParseScheme([]byte(`{"scheme":"custm","headr":"X A","algoritm":"sha265","encoding":"bas64","prefix":1,
		"timestampHeader":"host","timestampFormat":"unixms","payload":"{body}","x y":""}`))
	var all Errors
	if !errors.As(err, &all) {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range all {
		got[e.Path] += e.Reason + "|"
	}
	want := map[string]string{
		"scheme":          `must be "flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks" or "custom", not "custm"; did you mean "custom"?|`,
		"headr":           `unknown key; did you mean "header"?|is not a valid header name|`,
		"algoritm":        `unknown key; did you mean "algorithm"?|must be "sha1", "sha256" or "sha512", not "sha265"; did you mean "sha256"?|`,
		"encoding":        `must be "hex" or "base64", not "bas64"; did you mean "base64"?|`,
		"prefix":          "must be a string, not a number|",
		"timestampHeader": "must not be a header that frames the request|",
		"timestampFormat": `must be "unix", "unix-ms" or "rfc3339", not "unixms"; did you mean "unix-ms"?|`,
		"payload":         "must contain {timestamp} because timestampHeader is set|",
		`["x y"]`:         "unknown key; known: algorithm, encoding, header, payload, prefix, scheme, timestampFormat, timestampHeader|",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if want := " (and 10 more problems)"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%q does not end with %q", err, want)
	}
}

// TestParseSchemeGivesUp: behind 50 errors nothing is read, and nothing is missing.
func TestParseSchemeGivesUp(t *testing.T) {
	var keys strings.Builder
	for i := range 100 {
		fmt.Fprintf(&keys, `,"key %d":0`, i)
	}
	_, err := ParseScheme([]byte(`{"scheme":"custom"` + keys.String() + `,"header":"X-A"}`))
	var all Errors
	if !errors.As(err, &all) || len(all) != maxErrors || all[maxErrors-1].Path != `["key 49"]` {
		t.Errorf("%d errors: %v", len(all), err)
	}
	if want := " (and at least 49 more problems)"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%q does not end with %q", err, want)
	}
}

// TestParseSchemePlacesAreWhole: the places of two keys differ where the keys do. A path shows only
// their beginning.
func TestParseSchemePlacesAreWhole(t *testing.T) {
	long := strings.Repeat("k", 100)
	_, err := ParseScheme([]byte(`{"` + long + `1":0,"` + long + `2":0,"a\u0001":0}`))
	var all Errors
	if !errors.As(err, &all) || len(all) != 3 {
		t.Fatal(err)
	}
	for i, want := range []string{`["` + long + `1"]`, `["` + long + `2"]`, `["a\u0001"]`} {
		if got := all[i].Place(); got != want {
			t.Errorf("place %s, want %s", got, want)
		}
	}
	if want := `["` + long[:64] + `..."]: unknown key`; !strings.HasPrefix(all[0].Error(), want) {
		t.Errorf("%q does not begin with %q", all[0], want)
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
			var e Errors
			if !errors.As(err, &e) || e[0].Reason == "" || s != nil {
				t.Errorf("%v, %#v", s, err)
			}
			return
		}
		// Parsed settings can sign and verify.
		h := signed(t, s, nil)
		if got := verify(s, h, []byte(body), []Key{key("secret")}, now); got != OK {
			t.Errorf("%s: %q for %v", raw, got, h)
		}
	})
}

// TestSettingsAreNotQuotedWhenSecret: a secret that was pasted into the wrong place is not shown,
// neither as a value nor as a key.
func TestSettingsAreNotQuotedWhenSecret(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for _, format := range []string{
		`{"scheme":"%s"}`, `{"%s":""}`, `{"%s":1,"%[1]s":2}`, `{"scheme":"custom","header":"X","algorithm":"%s"}`,
		`{"scheme":"custom","header":"X","encoding":"%s"}`, `{"scheme":"custom","header":"%s b"}`, `{"scheme":"custom","header":"X","payload":"%s"}`,
		`{"scheme":"custom","header":"X","timestampFormat":"%s"}`, `"%s"`, `{"scheme":["%s"]}`, `{%s}`,
	} {
		settings := fmt.Sprintf(format, secret)
		_, err := ParseScheme([]byte(settings))
		var all Errors
		if !errors.As(err, &all) {
			t.Errorf("%s: %v", settings, err)
		}
		for _, e := range all {
			if strings.Contains(e.Error(), secret[6:]) {
				t.Errorf("%s: %v", settings, e)
			}
		}
	}
}
