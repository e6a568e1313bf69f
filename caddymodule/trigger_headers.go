package caddymodule

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// isJSONType reports whether Content-Type is missing, or a single value of application/json or of a
// type with the suffix +json (RFC 6839). Parameters are ignored: JSON has none (RFC 8259, section
// 11).
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

// isIdentity reports whether there is no content coding, or only identity.
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

// triggerHeaders makes trigger.headers: an object of the request's headers by lower-case name,
// sorted by name. Several headers of one name are joined as in RFC 9110, section 5.3. Credentials
// are left out.
func triggerHeaders(h http.Header, signatureHeaders []string) []byte {
	var room [32]string // requests seldom have more headers
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

// toLower changes ASCII letters: names of headers have no others.
func toLower(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
}

// clientIP returns the sender's address as Caddy sees it, also behind trusted proxies.
func clientIP(r *http.Request) string {
	if ip, ok := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string); ok && ip != "" {
		return ip
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}
