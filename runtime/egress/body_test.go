package egress

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// typed is a request with a body and, unless it is "", a Content-Type.
func typed(contentType, body string) []byte {
	headers := ""
	if contentType != "" {
		headers = `"headers":{"content-type":` + string(rawjson.AppendQuoted(nil, []byte(contentType))) + `},`
	}
	return []byte(`{"method":"POST","url":"http://example.com",` + headers + `"body":` + body + `}`)
}

func TestBodies(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct{ name, contentType, body, want, wantType string }{
		{
			"a form", form, `{"client_secret":"a+b&c=d","grant_type":"client_credentials"}`,
			"client_secret=a%2Bb%26c%3Dd&grant_type=client_credentials", form,
		},
		{"in the order of its keys", form, `{"z":1,"a":2}`, "z=1&a=2", form},
		{
			"a type with parameters", "Application/X-WWW-Form-Urlencoded; Charset=UTF-8", `{"a":"ü b"}`, "a=%C3%BC+b",
			"Application/X-WWW-Form-Urlencoded; Charset=UTF-8",
		},
		{
			"scalars", form, `{"n":1.50,"big":12345678901234567890,"e":1E400,"t":true,"f":false,"empty":"","none":null}`,
			"n=1.50&big=12345678901234567890&e=1E400&t=true&f=false&empty=", form,
		},
		{"arrays", form, `{"a":[1,"x y",true,null],"b":[],"c":["="]}`, "a=1&a=x+y&a=true&c=%3D", form},
		{"keys", form, `{"a b":1,"\u0026=":2,"":3,"ü[]":4}`, "a+b=1&%26%3D=2&=3&%C3%BC%5B%5D=4", form},
		{"what could break out of a value", form, `{"a":"1&b=2\r\nc: d%00\u0000"}`, "a=1%26b%3D2%0D%0Ac%3A+d%2500%00", form},
		{"an empty form", form, `{}`, "", form},
		{"a form that is written out", form, `"a=1&b=2+3"`, "a=1&b=2+3", form},

		{"an object", "", `{"b":1.50,"a":[null]}`, `{"b":1.50,"a":[null]}`, "application/json"},
		{"an object as JSON", "application/json; charset=utf-8", `{"a":1}`, `{"a":1}`, "application/json; charset=utf-8"},
		{"an object as +json", "application/vnd.api+json", `{"a":1}`, `{"a":1}`, "application/vnd.api+json"},
		{"as AWS calls it", "application/x-amz-json-1.1", `{"a":1}`, `{"a":1}`, "application/x-amz-json-1.1"},
		{"a line of JSON", "application/x-ndjson", `{"a":1}`, `{"a":1}`, "application/x-ndjson"},
		{"an array", "", `[1]`, `[1]`, "application/json"},
		{"a number", "", `1.50`, `1.50`, "application/json"},
		{"a number as text", "text/plain", `1.50`, `1.50`, "text/plain"},
		{"a boolean in a form", form, `true`, `true`, form},
		{"a string", "", `"a\n"`, "a\n", "text/plain; charset=utf-8"},
		{"a string as XML", "text/xml", `"<a/>"`, "<a/>", "text/xml"},
		{"a string as JSON", "application/json", `"{}"`, "{}", "application/json"},
		{"a string of another type", "multipart/form-data; boundary=x", `"--x--"`, "--x--", "multipart/form-data; boundary=x"},
		{"an empty type", " ", `{}`, `{}`, "application/json"},
		{"none", form, `null`, "", form},
	} {
		r, err := parseRequest(typed(tt.contentType, tt.body))
		if err != nil || string(r.body) != tt.want || r.header.Get("Content-Type") != tt.wantType {
			t.Errorf("%s: %v, %+v", tt.name, err, r)
		}
	}
}

func TestBadBodies(t *testing.T) {
	const (
		form    = "application/x-www-form-urlencoded"
		values  = "form values must be strings, numbers, booleans or arrays of them"
		another = "an object or array as body needs a Content-Type of JSON, or of a form; for another type the body is a string"
	)
	for _, tt := range []struct{ contentType, body, want string }{
		{form, `{"a":{}}`, values},
		{form, `{"a":{"b":1}}`, values},
		{form, `{"a":[[]]}`, values},
		{form, `{"a":[1,{"b":1}],"c":2}`, values},
		{form, `[["a",1]]`, "the body of a form must be an object or a string"},
		{form, `{"a":"` + strings.Repeat("%", maxRequest/3) + `"}`, "the form is too large"},
		{form, `{"a":[` + strings.Repeat(`"&&&&&&&&",`, 1<<20) + `1]}`, "the form is too large"},
		{"text/plain", `{}`, another},
		{"application/xml", `{"a":1}`, another},
		{"multipart/form-data", `{"a":1}`, another},
		{"application/octet-stream", `[1]`, another},
	} {
		_, err := parseRequest(typed(tt.contentType, tt.body))
		var f *hostapi.Failure
		if !errors.As(err, &f) || f.Code != CodeBadRequest || !f.Fatal || f.Message != tt.want {
			t.Errorf("%s %.40s: %v, want %s", tt.contentType, tt.body, err, tt.want)
		}
	}
}

// Pairs beyond the limit are not made: percent-encoding has three bytes for one.
func TestPairsEndAtTheLimit(t *testing.T) {
	const limit = 100
	for _, v := range []string{`{` + strings.Repeat(`"a":"%",`, 1000) + `"a":1}`, `{"a":[` + strings.Repeat(`"%",`, 1000) + `1]}`} {
		if pairs, ok := appendPairs(nil, []byte(v), limit); !ok || len(pairs) <= limit || len(pairs) > limit+len("&a=%25") {
			t.Errorf("%d bytes, %v", len(pairs), ok)
		}
	}
}

// FuzzForm: a form that is sent is read as it was meant.
func FuzzForm(f *testing.F) {
	f.Add("a", "b&c=d", "é\x00+%")
	f.Add("", "", " ")
	f.Fuzz(func(t *testing.T, key, one, two string) {
		quoted := func(s string) string { return string(rawjson.AppendQuoted(nil, []byte(s))) }
		r, err := parseRequest(typed(formType, `{`+quoted(key)+`:[`+quoted(one)+`,`+quoted(two)+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		got, err := url.ParseQuery(string(r.body))
		key, one, two = string([]rune(key)), string([]rune(one)), string([]rune(two))
		if err != nil || len(got) != 1 || len(got[key]) != 2 || got[key][0] != one || got[key][1] != two {
			t.Errorf("%q: %q, %v", r.body, got, err)
		}
	})
}
