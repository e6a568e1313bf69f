package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// putDocument sends PUT workflows/{id}.
func (s *site) putDocument(id, document string) string {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPut, "/flowtrux/workflows/"+id, strings.NewReader(document))
	r.SetPathValue("id", id)
	w := httptest.NewRecorder()
	if err := putWorkflow(s.app, w, r); err != nil || w.Code != http.StatusOK {
		s.t.Fatalf("storing %s: %v, %d %s", id, err, w.Code, w.Body)
	}
	return w.Body.String()
}

// TestEditingKeepsTheSecretOfADocument edits a document that has its secret in it, as a seed may.
// It is shown without the secret, and so it is put.
func TestEditingKeepsTheSecretOfADocument(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	serves := func(when string, c call) {
		t.Helper()
		if r := s.do(c); r.status != http.StatusOK {
			t.Errorf("%s: %d %s", when, r.status, r.body)
		}
	}
	s.put("workflows/a", trigger(`{"responseMode":"lastNode","secret":"`+secret+`"}`))
	serves("before", to("a", `{}`))

	r := httptest.NewRequest(http.MethodGet, "/flowtrux/workflows/a", http.NoBody)
	r.SetPathValue("id", "a")
	w := httptest.NewRecorder()
	if err := getWorkflow(s.app, w, r); err != nil || strings.Contains(w.Body.String(), secret) {
		t.Fatalf("%v, %s", err, w.Body)
	}
	if stored := s.putDocument("a", w.Body.String()); !strings.Contains(stored, `"secretMoved": true`) || strings.Contains(stored, secret) {
		t.Errorf("stored %s", stored)
	}
	serves("after editing", to("a", `{}`))

	// a secret of its own is not replaced
	s.put("workflows/b", trigger(`{"responseMode":"lastNode","secret":"`+secret+`"}`), "secrets/b", "rotated-secret")
	s.putDocument("b", trigger(`{"responseMode":"lastNode"}`))
	if r := s.do(to("b", `{}`)); r.status != http.StatusUnauthorized {
		t.Errorf("with the secret before the rotation: %d", r.status)
	}
	rotated := call{path: defaultPrefix + "b", body: `{}`}
	serves("after a rotation", rotated.sign("", "rotated-secret", time.Now()))
}
