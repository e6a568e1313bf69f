package modulefetch

import (
	"strings"
	"testing"
)

const hex64 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text   string
		remote bool
		shown  string
	}{
		{"/etc/flowtrux/a.wasm", false, "/etc/flowtrux/a.wasm"},
		{`C:\nodes\a.wasm`, false, `C:\nodes\a.wasm`},
		{"https://example.com/nodes/a.wasm", true, "https://example.com/nodes/a.wasm"},
		{"HTTPS://example.com:8443/a%20b.wasm", true, "https://example.com:8443/a%20b.wasm"},
		{"https://user:secret@example.com/a.wasm?token=secret", true, "https://example.com/a.wasm"},
		{"oci://registry.example.com:5000/team/a:1.0", true, "oci://registry.example.com:5000/team/a:1.0"},
		{"oci://registry.example.com/a@sha256:" + hex64, true, "oci://registry.example.com/a@sha256:" + hex64},
		{"oci://registry.example.com/a:1.0@sha256:" + hex64, true, "oci://registry.example.com/a@sha256:" + hex64},
	} {
		o, err := Parse(c.text)
		if err != nil || o.Remote() != c.remote || o.String() != c.shown {
			t.Errorf("%s: remote %v, shown as %s, %v", c.text, o.Remote(), o, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"http://example.com/secret.wasm":             "plain http",
		"HTTP://example.com/secret.wasm":             "plain http",
		"ftp://example.com/secret.wasm":              "unknown scheme",
		"://secret":                                  "unknown scheme",
		"https://":                                   "not a URL",
		"https:///secret.wasm":                       "not a URL",
		"https://user:sec/ret@example.com/a.wasm":    "not a URL",
		"https://example.com/secret.wasm#part":       "not a URL",
		"https://example.com/\x7fsecret":             "not a URL",
		"oci://secret":                               "not a reference",
		"oci://registry.example.com/secret":          "not a reference",
		"oci://registry.example.com/secret:":         "not a reference",
		"oci://registry.example.com/Secret:1.0":      "not a reference",
		"oci://user:secret@registry.example.com/a":   "not a reference",
		"oci://registry.example.com/secret@sha256:1": "not a reference",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(strings.ToLower(err.Error()), "sec") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParse: the text of a source names the same source, without its secrets.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"a.wasm", "https://user:secret@example.com:8443/a%2Fb.wasm?x=1", "https://[fe80::1%25eth0]:1/", "oci://example.com/a/b:1@sha256:" + hex64, "oci://[::1]:5000/a:1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := Parse(text)
		if err != nil || !o.Remote() {
			return
		}
		shown, err := Parse(o.String())
		if err != nil || shown.String() != o.String() || shown.oci != o.oci {
			t.Errorf("%q is shown as %q: %v", text, o, err)
		}
		if o.url != nil && (shown.url.User != nil || shown.url.RawQuery != "" || shown.url.Host != o.url.Host) {
			t.Errorf("%q is shown as %q", text, o)
		}
	})
}
