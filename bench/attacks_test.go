package main

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestCallAlwaysCountsCodes(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var served atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := `"memory"`
		switch served.Add(1) {
		case 3:
			stop()
			fallthrough
		case 1:
			code = `"timeout"`
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, code)
	}))
	defer s.Close()
	a, err := callAlways(ctx, &server{url: s.URL}, "/")
	if err != nil || len(a.took) != 3 || !maps.Equal(a.codes, map[string]int{"timeout": 2, "memory": 1}) {
		t.Errorf("%+v, %v", a, err)
	}
}

// A node that returns an output did not attack.
func TestCallAlwaysEndsWithoutACode(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "null")
	}))
	defer s.Close()
	if a, err := callAlways(t.Context(), &server{url: s.URL}, "/"); err == nil {
		t.Errorf("%+v", a)
	}
}

func TestSpinEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := spin(ctx, nil); err != nil {
		t.Error(err)
	}
}
