package response

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"testing"
)

func TestError(t *testing.T) {
	tests := []struct {
		code   Code
		status int
		extra  string // header
		value  string
	}{
		{NotReady, 503, "Retry-After", "1"},
		{WorkflowNotFound, 404, "", ""},
		{MethodNotAllowed, 405, "Allow", "POST"},
		{BodyTooLarge, 413, "", ""},
		{BodyTimeout, 408, "", ""},
		{Overloaded, 503, "Retry-After", "1"},
		{InvalidSignature, 401, "Www-Authenticate", `Signature realm="webhooks"`},
		{StaleSignature, 401, "Www-Authenticate", `Signature realm="webhooks"`},
		{UnsupportedMediaType, 415, "", ""},
		{InvalidJSON, 400, "", ""},
		{WorkflowInvalid, 503, "", ""},
		{InvalidKey, 400, "", ""},
		{KeyReused, 422, "", ""},
		{JournalUnavailable, 503, "Retry-After", "5"},
		{TooManyExecutions, 429, "Retry-After", "1"},
		{ExecutionFailed, 500, "", ""},
		{ExecutionTimeout, 504, "", ""},
	}
	if len(tests) != len(kinds) {
		t.Errorf("%d of %d codes are tested", len(tests), len(kinds))
	}
	for _, tt := range tests {
		a := Error(tt.code, "")
		want := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}}
		if tt.extra != "" {
			want[tt.extra] = []string{tt.value}
		}
		got := make(http.Header)
		a.Header.AddTo(got, nil)
		if a.Status != tt.status || !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: %d %v", tt.code, a.Status, got)
		}
		var body struct {
			Success *bool
			Error   struct{ Code, Message string }
		}
		if err := json.Unmarshal(a.Body, &body); err != nil {
			t.Fatalf("%s: %v", tt.code, err)
		}
		if *body.Success || body.Error.Code != string(tt.code) || body.Error.Message == "" {
			t.Errorf("%s: %s", tt.code, a.Body)
		}
		if !reflect.DeepEqual(a, Error(tt.code, "")) {
			t.Errorf("%s: not the same twice", tt.code)
		}
	}
}

func TestErrorBodies(t *testing.T) {
	for _, tt := range []struct {
		a    Response
		want string
	}{
		{
			Error(InvalidSignature, ""),
			`{"success":false,"error":{"code":"invalid_signature","message":"the signature is missing or invalid"}}`,
		},
		// The body may be JSON all the same: curl -d labels it as a form.
		{
			Error(UnsupportedMediaType, ""),
			`{"success":false,"error":{"code":"unsupported_media_type","message":"Content-Type must be application/json or end with +json, and there must be no Content-Encoding"}}`,
		},
		{
			Error(JournalUnavailable, "exec-1"),
			`{"success":false,"error":{"code":"journal_unavailable","message":"the execution cannot be recorded"},"executionId":"exec-1"}`,
		},
		{
			InvalidBody("unexpected character", 17),
			`{"success":false,"error":{"code":"invalid_json","message":"the body is not one JSON value: unexpected character at byte 17"}}`,
		},
		{Error("unheard of", ""), `{"success":false,"error":{"code":"unheard of","message":""}}`},
	} {
		if string(tt.a.Body) != tt.want {
			t.Errorf("%s\nwant %s", tt.a.Body, tt.want)
		}
	}
	if a := Error(JournalUnavailable, "exec-1"); a.Header.Get("X-Execution-Id") != "exec-1" {
		t.Errorf("%v", a.Header)
	}
	if a := Error("unheard of", ""); a.Status != 500 {
		t.Errorf("%d", a.Status)
	}
	if a := InvalidBody("x", 0); a.Status != 400 {
		t.Errorf("%d", a.Status)
	}
}

// TestHeadersAreNotShared: the caller may change the headers of a response. The next response and
// its other headers stay as they are.
func TestHeadersAreNotShared(t *testing.T) {
	a := Error(Overloaded, "")
	a.Header.Set("Retry-After", "7")
	if got := Error(Overloaded, "").Header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After: %s", got)
	}
	for _, values := range [][]string{nil, make([]string, 1, 8), make([]string, 1, 2)} {
		h := make(http.Header)
		a.Header.AddTo(h, values)
		for name := range h {
			h.Add(name, "more")
		}
		for name, got := range h {
			if len(got) != 2 || got[0] != a.Header.Get(name) || got[1] != "more" {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}
