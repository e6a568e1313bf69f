package caddymodule

import (
	"net/http"
	"testing"
)

func TestWorkflowID(t *testing.T) {
	for _, c := range []struct {
		target string // of the request line
		id     string // "" = left to the next handler
	}{
		{"/api/webhooks/order-intake", "order-intake"},
		{"/api/webhooks/order-intake?source=crm", "order-intake"},
		{"/api/webhooks/%6Frder", "order"},
		{"/api/%77ebhooks/order", "order"},
		{"/api/webhooks/a%20b", "a b"},
		{"/api/webhooks/ä", "ä"},
		{"/api/webhooks/a:b", "a:b"},
		{"/api/webhooks/a%2Fb", "a/b"}, // one segment, although not a valid ID
		{"/api/webhooks/..a", "..a"},
		{"/api/webhooks/a%00", "a\x00"},
		{"http://example.com/api/webhooks/order", "order"},

		{"/", ""},
		{"/api/webhooks", ""},
		{"/api/webhooks/", ""},
		{"/api/webhooks/?id=order", ""},
		{"/api/webhooks/order/", ""},
		{"/api/webhooks/order/more", ""},
		{"/api/webhooks//order", ""},
		{"//api/webhooks/order", ""},
		{"/api//webhooks/order", ""},
		{"/api/webhooks/.", ""},
		{"/api/webhooks/..", ""},
		{"/api/webhooks/%2e%2E", ""},
		{"/api/webhooks/x/../order", ""},
		{"/api/webhooks%2Forder", ""}, // an escaped slash is no separator
		{"/api%2Fwebhooks/order", ""}, //
		{"/api/webhooks/%2Forder", "/order"},
		{"/API/webhooks/order", ""},
		{"/x/api/webhooks/order", ""},
		{"*", ""},
	} {
		r, err := http.NewRequest(http.MethodPost, c.target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		id, ok := workflowID(r.URL, defaultPrefix)
		if ok != (c.id != "") || ok && id != c.id {
			t.Errorf("%s: id %q, %t; want %q", c.target, id, ok, c.id)
		}
	}
}

func FuzzWorkflowID(f *testing.F) {
	for _, seed := range []string{"/api/webhooks/order", "/api/webhooks/%2F", "/api/webhooks/..", "/api%2fwebhooks/a", "//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		r, err := http.NewRequest(http.MethodPost, "http://localhost", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL, err = r.URL.Parse(target); err != nil {
			return
		}
		id, ok := workflowID(r.URL, defaultPrefix)
		if !ok {
			return
		}
		if id == "" || id == "." || id == ".." || r.URL.Path != defaultPrefix+id {
			t.Errorf("%q: id %q of path %q", target, id, r.URL.Path)
		}
	})
}

func TestCheckPrefix(t *testing.T) {
	for _, good := range []string{"/", "/hooks/", "/api/webhooks/", "/a.b/c-d_e/"} {
		if err := checkPrefix(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "hooks/", "/hooks", "//", "/a//b/", "/a/./b/", "/a/../b/", "/{env.X}/", "/a%2Fb/", "/*/", "/a?b/", "/a#b/"} {
		if checkPrefix(bad) == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
