package egress

import (
	"bytes"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Limits of a request.
const (
	maxRequest = 16 << 20 // bytes of its JSON
	maxDepth   = 512      // of its JSON
	maxURL     = 16 << 10 // bytes, with the query
	maxMethod  = 32       // bytes
	maxHeaders = 128
	maxHeader  = 64 << 10 // bytes, names and values of all headers
)

// userAgent is the default of the header.
const userAgent = "flowtrux-edge"

// request is the request of a node, or the one that follows from it after a redirect.
type request struct {
	method          string
	url             *url.URL
	header          http.Header
	body            []byte // nil = none
	timeout         time.Duration
	followRedirects bool
	idempotencyKey  string   // for methods with effects; "" = none
	secrets         []string // of hostapi.HTTPOptions
}

// parseRequest decodes the JSON of a request. The error is a *hostapi.Failure. It retains nothing
// of raw.
func parseRequest(raw []byte) (*request, error) {
	if len(raw) > maxRequest {
		return nil, badRequest("the request is too large")
	}
	if rawjson.Check(raw, maxDepth) != nil {
		return nil, badRequest("the request is not JSON")
	}
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if rawjson.KindOf(raw) != rawjson.Object {
		return nil, badRequest("the request is not an object")
	}
	r := &request{
		method:          http.MethodGet,
		header:          http.Header{"User-Agent": {userAgent}},
		timeout:         defaultTimeout,
		followRedirects: true,
	}
	// The order of keys does not matter: values that depend on another key are handled at the end.
	var query, body []byte
	var err error
	rawjson.Members(raw, func(key, v []byte) bool {
		if rawjson.KindOf(v) == rawjson.Null {
			return true
		}
		switch {
		case rawjson.KeyIs(key, "method"):
			err = r.setMethod(v)
		case rawjson.KeyIs(key, "url"):
			err = r.setURL(v)
		case rawjson.KeyIs(key, "headers"):
			err = r.setHeaders(v)
		case rawjson.KeyIs(key, "query"):
			query = v
		case rawjson.KeyIs(key, "body"):
			body = v
		case rawjson.KeyIs(key, "timeout"):
			err = r.setTimeout(v)
		case rawjson.KeyIs(key, "followRedirects"):
			if k := rawjson.KindOf(v); k == rawjson.True || k == rawjson.False {
				r.followRedirects = k == rawjson.True
			} else {
				err = badRequest("followRedirects must be true or false")
			}
		case rawjson.KeyIs(key, "failOnStatus"):
		default:
			err = badRequest("the request has an unknown key")
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	if r.url == nil {
		return nil, badRequest("the request has no url")
	}
	if err := r.addQuery(query); err != nil {
		return nil, err
	}
	if err := r.setBody(body); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *request) setMethod(v []byte) error {
	r.method = strings.ToUpper(text(v))
	switch {
	case !isToken(r.method) || len(r.method) > maxMethod:
		return badRequest("the method is not valid")
	case r.method == http.MethodConnect || r.method == http.MethodTrace:
		return badRequest("the methods CONNECT and TRACE cannot be used")
	}
	return nil
}

func (r *request) setURL(v []byte) error {
	s := text(v)
	if s == "" || len(s) > maxURL {
		return badRequest("url must be a string that is not empty and not too long")
	}
	u, err := url.Parse(s)
	if err != nil {
		return badRequest("the url is not valid")
	}
	if err := checkURL(u); err != nil {
		return err
	}
	r.url = u
	return nil
}

// checkURL rejects URLs that are never requested, and brings u into the form in which it is sent.
func checkURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return badRequest("the url must begin with http:// or https://")
	}
	if u.User != nil {
		return badRequest("the url must not contain user information")
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err != nil && !validName(host) {
		return badRequest("the url's host is not valid; international names are written in their xn-- form")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return badRequest("the url's port is not valid")
		}
	}
	u.Host = strings.TrimSuffix(u.Host, ":")
	u.Fragment, u.RawFragment = "", ""
	u.RawQuery = escapeQuery(u.RawQuery)
	return nil
}

// escapeQuery escapes characters that cannot be in a request line; url.Parse leaves queries as they
// are.
func escapeQuery(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	done := 0
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '<' || c == '>' {
			b.WriteString(s[done:i])
			b.Write([]byte{'%', hex[c>>4], hex[c&0xF]})
			done = i + 1
		}
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

func (r *request) addQuery(v []byte) error {
	if v == nil {
		return nil
	}
	if rawjson.KindOf(v) != rawjson.Object {
		return badRequest("query must be an object")
	}
	pairs, ok := appendPairs([]byte(r.url.RawQuery), v, maxURL)
	switch {
	case !ok:
		return badRequest("query values must be strings, numbers, booleans or arrays of them")
	case len(pairs) > maxURL:
		return badRequest("the query is too long")
	}
	r.url.RawQuery = string(pairs)
	return nil
}

// connectionHeaders belong to the connection or to the message's framing, which the host controls.
var connectionHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Expect": true, "Host": true, "Http2-Settings": true,
	"Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

func (r *request) setHeaders(v []byte) error {
	if rawjson.KindOf(v) != rawjson.Object {
		return badRequest("headers must be an object")
	}
	var err error
	given := make(map[string]bool)
	size := 0
	rawjson.Members(v, func(key, v []byte) bool {
		name := text(quoted(key))
		value, ok := scalar(v)
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !isToken(name):
			err = badRequest("a header's name is not valid")
		case connectionHeaders[canonical]:
			err = badRequest("a header belongs to the connection and cannot be set")
		case given[canonical]:
			err = badRequest("a header is given twice")
		case !ok:
			err = badRequest("header values must be strings, numbers or booleans")
		case !isHeaderValue(value):
			err = badRequest("a header's value is not valid")
		}
		given[canonical] = true
		if size += len(name) + len(value); size > maxHeader || len(given) > maxHeaders {
			err = badRequest("the headers are too large")
		}
		if err == nil && rawjson.KindOf(v) != rawjson.Null {
			r.header[canonical] = []string{strings.Trim(value, " \t")}
		}
		return err == nil
	})
	return err
}

func (r *request) setTimeout(v []byte) error {
	d, err := time.ParseDuration(text(v))
	if err != nil || d <= 0 {
		return badRequest("timeout must be a duration such as 10s")
	}
	r.timeout = d
	return nil
}

// text returns the text of a JSON string, "" for any other value.
func text(v []byte) string { return string(rawjson.AppendString(nil, v)) }

// quoted turns a key of rawjson.Members into a JSON string.
func quoted(key []byte) []byte {
	v := make([]byte, 0, len(key)+2)
	v = append(append(v, '"'), key...)
	return append(v, '"')
}

// scalar returns the text of a string, a number or a boolean, and "" for null.
func scalar(v []byte) (string, bool) {
	switch rawjson.KindOf(v) {
	case rawjson.String:
		return text(v), true
	case rawjson.Number, rawjson.True, rawjson.False:
		return string(v), true
	case rawjson.Null:
		return "", true
	default:
		return "", false
	}
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7F || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// isHeaderValue reports whether s can be a field value (RFC 9110, section 5.5): no control
// characters except the tab.
func isHeaderValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7F {
			return false
		}
	}
	return true
}
