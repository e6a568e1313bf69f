package egress

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/hostapi"
)

func mustParse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestParseRequest(t *testing.T) {
	for _, tt := range []struct {
		raw, method, url string
		headers          map[string]string
		body             string
	}{
		{raw: `{"url":"http://example.com"}`, url: "http://example.com"},
		{raw: ` {"url":"HTTPS://Example.com:/a b?q=ü \"#part"} `, url: "https://Example.com/a%20b?q=%C3%BC%20%22"},
		{raw: `{"\u0075rl":"http://[::1]:8080/","method":"post","failOnStatus":false}`, method: "POST", url: "http://[::1]:8080/"},
		{raw: `{"url":"http://example.com","method":null,"headers":null,"query":null,"body":null,"timeout":null,"followRedirects":null}`, url: "http://example.com"},
		{
			raw: `{"query":{"a":"x y&z","b":[1.50,true,"",null],"ä":"ö","n":null},"url":"http://example.com/?k=v"}`,
			url: "http://example.com/?k=v&a=x+y%26z&b=1.50&b=true&b=&%C3%A4=%C3%B6",
		},
		{raw: `{"url":"http://example.com","query":{}}`, url: "http://example.com"},
		{
			raw: `{"url":"http://example.com","headers":{"accept":"a/b","X-N":1e2,"x-t":true,"x-pad":" v\t","X-Null":null,"User-Agent":"me"}}`, url: "http://example.com",
			headers: map[string]string{"Accept": "a/b", "X-N": "1e2", "X-T": "true", "X-Pad": "v", "User-Agent": "me"},
		},
		{
			raw: `{"url":"http://example.com","body":{"b":1.50,"a":[null]}}`, url: "http://example.com",
			headers: map[string]string{"Content-Type": "application/json"}, body: `{"b":1.50,"a":[null]}`,
		},
		{
			raw: `{"url":"http://example.com","body":"a\u00e4\n"}`, url: "http://example.com",
			headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"}, body: "aä\n",
		},
		{
			raw: `{"body":"<a/>","url":"http://example.com","headers":{"content-type":"text/xml"}}`, url: "http://example.com",
			headers: map[string]string{"Content-Type": "text/xml"}, body: "<a/>",
		},
	} {
		r, err := parseRequest([]byte(tt.raw))
		if err != nil {
			t.Errorf("%s: %v", tt.raw, err)
			continue
		}
		if tt.method == "" {
			tt.method = "GET"
		}
		if r.method != tt.method || r.url.String() != tt.url || string(r.body) != tt.body {
			t.Errorf("%s: %s %s %q", tt.raw, r.method, r.url, r.body)
		}
		if tt.headers == nil {
			tt.headers = make(map[string]string)
		}
		if tt.headers["User-Agent"] == "" {
			tt.headers["User-Agent"] = "flowtrux-edge"
		}
		for name, want := range tt.headers {
			if got := r.header[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", tt.raw, name, got, want)
			}
		}
		if len(r.header) != len(tt.headers) {
			t.Errorf("%s: %v", tt.raw, r.header)
		}
		if r.timeout != defaultTimeout || !r.followRedirects {
			t.Errorf("%s: timeout %v, followRedirects %v", tt.raw, r.timeout, r.followRedirects)
		}
	}
	r, err := parseRequest([]byte(`{"url":"http://example.com","timeout":"1.5s","followRedirects":false,"body":""}`))
	if err != nil || r.timeout != 1500*time.Millisecond || r.followRedirects || r.body == nil {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestBadRequests(t *testing.T) {
	with := func(members string) string { return `{"url":"http://example.com",` + members + `}` }
	for raw, want := range map[string]string{
		``:                                                "the request is not JSON",
		`{"url":"http://example.com"} {}`:                 "the request is not JSON",
		`[]`:                                              "the request is not an object",
		`{}`:                                              "the request has no url",
		`{"url":null}`:                                    "the request has no url",
		`{"url":7}`:                                       "url must be a string that is not empty and not too long",
		`{"url":""}`:                                      "url must be a string that is not empty and not too long",
		`{"url":"http://example.com/%zz"}`:                "the url is not valid",
		`{"url":"http://a\r\nHost: b/"}`:                  "the url is not valid",
		`{"url":"ftp://example.com"}`:                     "the url must begin with http:// or https://",
		`{"url":"file:///etc/passwd"}`:                    "the url must begin with http:// or https://",
		`{"url":"unix:///run/x.sock"}`:                    "the url must begin with http:// or https://",
		`{"url":"//example.com"}`:                         "the url must begin with http:// or https://",
		`{"url":"example.com"}`:                           "the url must begin with http:// or https://",
		`{"url":"http://u:p@example.com"}`:                "the url must not contain user information",
		`{"url":"http://@example.com"}`:                   "the url must not contain user information",
		`{"url":"http://"}`:                               "the url's host is not valid; international names are written in their xn-- form",
		`{"url":"http:example.com"}`:                      "the url's host is not valid; international names are written in their xn-- form",
		`{"url":"http://:80"}`:                            "the url's host is not valid; international names are written in their xn-- form",
		`{"url":"http://exämple.com"}`:                    "the url's host is not valid; international names are written in their xn-- form",
		`{"url":"http://ex%61mple.com%2f"}`:               "the url is not valid",
		`{"url":"http://127.0.0.1%00.a"}`:                 "the url is not valid",
		`{"url":"http://a:0"}`:                            "the url's port is not valid",
		`{"url":"http://a:65536"}`:                        "the url's port is not valid",
		with(`"method":""`):                               "the method is not valid",
		with(`"method":"GET /"`):                          "the method is not valid",
		with(`"method":"PÖST"`):                           "the method is not valid",
		with(`"method":7`):                                "the method is not valid",
		with(`"method":"connect"`):                        "the methods CONNECT and TRACE cannot be used",
		with(`"headers":[]`):                              "headers must be an object",
		with(`"headers":{"":"v"}`):                        "a header's name is not valid",
		with(`"headers":{"a b":"v"}`):                     "a header's name is not valid",
		with(`"headers":{"a\r\nb":"v"}`):                  "a header's name is not valid",
		with(`"headers":{"a":"b\r\nc: d"}`):               "a header's value is not valid",
		with(`"headers":{"a":"\u0000"}`):                  "a header's value is not valid",
		with(`"headers":{"a":["b"]}`):                     "header values must be strings, numbers or booleans",
		with(`"headers":{"a":"1","A":"2"}`):               "a header is given twice",
		with(`"headers":{"host":"b"}`):                    "a header belongs to the connection and cannot be set",
		with(`"headers":{"Transfer-encoding":"chunked"}`): "a header belongs to the connection and cannot be set",
		with(`"headers":{"content-length":3}`):            "a header belongs to the connection and cannot be set",
		with(`"headers":{"a":"` + strings.Repeat("x", maxHeader) + `"}`): "the headers are too large",
		with(`"query":"a=b"`):                                       "query must be an object",
		with(`"query":{"a":{}}`):                                    "query values must be strings, numbers, booleans or arrays of them",
		with(`"query":{"a":[[]]}`):                                  "query values must be strings, numbers, booleans or arrays of them",
		with(`"query":{"a":["b",{}],"c":1}`):                        "query values must be strings, numbers, booleans or arrays of them",
		with(`"query":{"a":"` + strings.Repeat("x", maxURL) + `"}`): "the query is too long",
		with(`"timeout":10`):                                        "timeout must be a duration such as 10s",
		with(`"timeout":"0s"`):                                      "timeout must be a duration such as 10s",
		with(`"timeout":"-1s"`):                                     "timeout must be a duration such as 10s",
		with(`"followRedirects":"false"`):                           "followRedirects must be true or false",
		with(`"header":{}`):                                         "the request has an unknown key",
		`"` + strings.Repeat("x", maxRequest) + `"`:                 "the request is too large",
	} {
		_, err := parseRequest([]byte(raw))
		var f *hostapi.Failure
		if !errors.As(err, &f) || f.Code != CodeBadRequest || !f.Fatal || f.Message != want {
			t.Errorf("%.100s: %v, want %s", raw, err, want)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		`{"url":"http://example.com/a?b=c","method":"POST","headers":{"a":"b","n":1},"query":{"a":[1,"x"]},"body":{"a":1},"timeout":"10s","followRedirects":false}`,
		`{"url":"https://[::1%25eth0]:443/%2e%2e/?\u0001","body":"text"}`,
		`{"url":"http:\\\\example.com"}`, `{"url":"http://a/?\u00e4 \"<>"}`, `[`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := parseRequest(raw)
		if err != nil {
			var failure *hostapi.Failure
			if !errors.As(err, &failure) || failure.Code != CodeBadRequest || r != nil {
				t.Errorf("%v, %#v", r, err)
			}
			return
		}
		// What is sent must not be able to break out of its line.
		line := r.method + " " + r.url.RequestURI()
		if strings.Count(line, " ") != 1 || strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Errorf("%q", line)
		}
		for name, values := range r.header {
			if !isToken(name) || len(values) != 1 || !isHeaderValue(values[0]) {
				t.Errorf("%q: %q", name, values)
			}
		}
		if r.url.User != nil || r.url.Scheme != "http" && r.url.Scheme != "https" || r.url.Hostname() == "" || r.timeout <= 0 {
			t.Errorf("%q", r.url)
		}
	})
}
