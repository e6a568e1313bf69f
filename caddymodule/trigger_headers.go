package caddymodule

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// isJSONType accepts no Content-Type, or one, of application/json or any type with the suffix +json
// (RFC 6839). Parameters do not count: JSON has none (RFC 8259, section 11).
func isJSONType(values []string) bool {
	switch {
	case len(values) == 0, len(values) == 1 && (values[0] == "" || values[0] == "application/json"):
		return true
	case len(values) > 1:
		return false
	}
	name, _, _ := strings.Cut(values[0], ";")
	kind, sub, _ := strings.Cut(strings.ToLower(strings.Trim(name, " \t")), "/")
	if kind == "" || strings.ContainsAny(kind+sub, "/, \t") {
		return false
	}
	return kind == "application" && sub == "json" || len(sub) > len("+json") && strings.HasSuffix(sub, "+json")
}

// isIdentity accepts no content coding, or the one that codes nothing.
func isIdentity(values []string) bool {
	for _, v := range values {
		for coding := range strings.SplitSeq(v, ",") {
			coding = strings.Trim(coding, " \t")
			if coding != "" && !strings.EqualFold(coding, "identity") {
				return false
			}
		}
	}
	return true
}

// triggerHeaders is trigger.headers: an object of the request's headers by lower-case name, in
// order of names; several of one name are joined as RFC 9110, section 5.3 says. Credentials are
// left out.
func triggerHeaders(h http.Header, signatureHeaders []string) []byte {
	var room [32]string // as many as requests usually have at most
	names, size := room[:0], len("{}")
	for name, values := range h {
		if name == "Authorization" || name == "Proxy-Authorization" || name == "Cookie" || slices.Contains(signatureHeaders, name) {
			continue
		}
		names = append(names, name)
		size += len(name) + len(`"":"",`)
		for _, v := range values {
			size += len(v) + len(", ")
		}
	}
	slices.Sort(names)
	out := append(make([]byte, 0, size), '{')
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		start := len(out)
		out = append(rawjson.AppendQuoted(out, []byte(name)), ':', '"')
		toLower(out[start:])
		for j, v := range h[name] {
			if j > 0 {
				out = append(out, ", "...)
			}
			out = rawjson.AppendEscaped(out, []byte(v))
		}
		out = append(out, '"')
	}
	return append(out, '}')
}

// toLower changes upper-case letters of ASCII: there are no others in the name of a header.
func toLower(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
}

// clientIP is the sender's address as Caddy sees it, behind trusted proxies too.
func clientIP(r *http.Request) string {
	if ip, ok := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string); ok && ip != "" {
		return ip
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// isExpected tells whether a server of the config that runs keeps the request header of a canonical
// name, which has an underscore or a dot.
func isExpected(name string) bool {
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		return false
	}
	for _, s := range app.(*caddyhttp.App).Servers {
		if isExpectedBy(s, name) {
			return true
		}
	}
	return false
}

// isExpectedBy follows Caddy: a name with both needs an entry of its own, in either list.
func isExpectedBy(s *caddyhttp.Server, name string) bool {
	underscore, dot := strings.Contains(name, "_"), strings.Contains(name, ".")
	has := func(entry string) bool {
		prefix, isPattern := strings.CutSuffix(entry, "*")
		if entry = http.CanonicalHeaderKey(prefix); isPattern {
			return strings.HasPrefix(name, entry) && !(underscore && dot)
		}
		return name == entry
	}
	return underscore && slices.ContainsFunc(s.ExpectedUnderscoreHeaders, has) || dot && slices.ContainsFunc(s.ExpectedDotHeaders, has)
}
