package command

import (
	"strings"
	"testing"
)

const document = `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{
	"signature":{"scheme":"custom","header":"X-Acme","algorithm":"sha1","prefix":"v1="}}}}]}`

// TestErrors: errors of commands that need no server.
func TestErrors(t *testing.T) {
	dataHome(t)
	doc, secret := write(t, "doc.json", document), write(t, "secret", "hush\n")
	for _, c := range []struct {
		args []string
		want []string // parts of standard error with the error
		not  string
	}{
		{[]string{"get", ""}, []string{"the name is empty"}, "FlowTrux Edge"},
		{[]string{"global", "set", "", "1"}, []string{"the name is empty"}, "FlowTrux Edge"},
		{[]string{"global", "delete", ".."}, []string{`".." cannot be a name`}, ""},
		{[]string{"secret", "show", ""}, []string{"the name is empty"}, ""},
		{[]string{"sign", "--secret-file", "/dev/null"}, []string{"the secret is empty: /dev/null has none"}, "--generate"},
		{[]string{"secret", "set", "orders"}, []string{"the secret is empty", "--generate"}, ""},
		{[]string{"sign", "--secret-file", write(t, "long", strings.Repeat("x", 100_000))}, []string{"over 65536 bytes"}, ""},
		{[]string{"sign", "--secret-file", secret, "--scheme", "custom"}, []string{"describe the scheme with --signature-file"}, "header"},
		{[]string{"sign", "--secret-file", secret, "--scheme", "foo"}, []string{`--scheme "foo" is not one of flowtrux, github,`, "--signature-file"}, "custom"},
		{[]string{"sign", "--secret-file", secret, "--scheme", "github", "--signature-file", doc}, []string{"give one of them"}, ""},
		{[]string{"sign", "--secret-file", secret, "--signature-file", write(t, "s.json", `{"scheme":"custom"}`)}, []string{"s.json: header"}, ""},
		{
			[]string{"validate", doc, "/missing-1.json", t.TempDir(), "/missing-2.json"},
			[]string{"/missing-1.json: no such file", "no *.json files in this directory", "/missing-2.json: no such file"},
			"stat",
		},
		{[]string{"validate", write(t, "bad id.json", `{"nodes":[]}`)}, []string{`its name "bad id" cannot be an id`}, "stored"},
	} {
		_, errOut, err := try(t, "", c.args...)
		if err == nil {
			t.Errorf("%q: no error", c.args)
			continue
		}
		got := errOut + err.Error()
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%q: %s, want %q", c.args, got, want)
			}
		}
		if c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%q: %s", c.args, got)
		}
	}
}

func TestSigning(t *testing.T) {
	custom := write(t, "custom.json", `{"scheme":"custom","header":"X-Acme","algorithm":"sha1","prefix":"v1="}`)
	for name, c := range map[string]struct {
		secret string
		args   []string
		want   string
	}{
		"bare":                {"key", nil, "a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032"},
		"newline":             {"key\n", nil, "a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032"},
		"newline of Windows":  {"key\r\n", nil, "a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032"},
		"carriage return":     {"key\r", nil, "1bc859cc3889ed2702ae8db41569987700e75bda5e55bd998a549f9b5e1c66cc"},
		"described":           {"key", []string{"--signature-file", custom}, "X-Acme: v1=c9963b837183dc667106461b3de91d0885f539b3"},
		"described in a flow": {"key", []string{"--signature-file", write(t, "doc.json", document)}, "X-Acme: v1="},
	} {
		out, errOut, err := try(t, `{}`, append([]string{"sign", "--secret-file", write(t, "secret", c.secret)}, c.args...)...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v %s%s, want %s", name, err, out, errOut, c.want)
		}
	}
}
