package flow

import (
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

const (
	maxHeaders     = 64
	maxHeaderValue = 8 << 10 // bytes
)

// reservedHeaders are the response headers that only the server sets, in canonical form: those of
// the connection and the framing of the message (RFC 9110 section 7.6.1, RFC 9112), the date, and
// those of this project.
var reservedHeaders = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Http2-Settings", "Content-Length", "Date", "X-Execution-Id", "Idempotency-Replayed",
}

// readHeader reads the response headers: an object of strings.
func (r *report) readHeader(v value) []HeaderField {
	var fields []HeaderField
	for _, m := range r.allMembers(v) {
		key := m.at.key
		name := textproto.CanonicalMIMEHeaderKey(key)
		switch {
		case !isToken(key):
			r.add(m.at, "is not a valid header name")
		case slices.Contains(reservedHeaders, name):
			r.add(m.at, "is set by the server and cannot be chosen")
		case slices.ContainsFunc(fields, func(f HeaderField) bool { return f.Name == name }):
			r.add(m.at, "is given twice, in upper and lower case")
		case len(fields) == maxHeaders:
			r.add(v.at, "has more than %d headers", maxHeaders)
			return fields
		}
		fields = append(fields, HeaderField{Name: name, Value: r.headerValue(m)})
	}
	return fields
}

func (r *report) headerValue(v value) string {
	s, ok := r.text(v)
	switch {
	case !ok:
	case len(s) > maxHeaderValue:
		r.add(v.at, "has more than %d bytes", maxHeaderValue)
	case strings.Contains(s, "{{"):
		r.add(v.at, "is fixed text: templates are not resolved here")
	case strings.ContainsFunc(s, func(c rune) bool { return c != '\t' && (c < 0x20 || c > 0x7e) }):
		r.add(v.at, "is not a valid header value: only printable ASCII, spaces and tabs can be sent")
	case strings.Trim(s, " \t") != s:
		r.add(v.at, "is not a valid header value: it begins or ends with white space")
	}
	return s
}

// headerName reads the name of a header and returns its canonical form.
func (r *report) headerName(v value) (name string, ok bool) {
	s, ok := r.text(v)
	if ok && !isToken(s) {
		r.add(v.at, "is not a valid header name")
		return "", false
	}
	return textproto.CanonicalMIMEHeaderKey(s), ok
}

// maxHeaderName is the maximum length of the name of a header, in bytes.
const maxHeaderName = 256

// isToken reports whether s is a valid header name (RFC 9110 section 5.6.2) of sensible length.
func isToken(s string) bool { return len(s) <= maxHeaderName && httpguts.ValidHeaderFieldName(s) }
