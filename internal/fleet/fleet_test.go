//go:build unix

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	// all of Caddy's modules, as users build it
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/flowtrux/edge"
	"github.com/flowtrux/edge/internal/compiled/builtin"
)

// childCaddy is the environment variable that makes this binary a Caddy.
const childCaddy = "FLOWTRUX_FLEET_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(childCaddy) != "" {
		caddycmd.Main()
		return
	}
	if err := builtin.Compile(context.Background()); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

var self = caddy{command: []string{os.Args[0]}, env: []string{childCaddy + "=1"}}

// TestShow runs the demonstration in short: an edge, an etcd member and the primary die under load.
// Each webhook is accepted in the end and becomes one execution, which succeeds.
func TestShow(t *testing.T) {
	var out strings.Builder
	defer func() { t.Log(out.String()) }()
	err := with(t.Context(), options{caddy: self, lease: time.Second}, func(f *fleet) error {
		s := show{fleet: f, out: &out, senders: 8, phase: 300 * time.Millisecond}
		o, err := s.run(t.Context())
		if err != nil {
			return err
		}
		if n := o.refused["503"]; n > 0 {
			t.Errorf("%d responses were 503 without Retry-After", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKept: each broken promise is told.
func TestKept(t *testing.T) {
	one := []string{"exec-1"}
	whole := saw{accepted: 1, ids: map[string]bool{"exec-1": true}}
	for what, o := range map[string]outcome{
		"never accepted":   {saw: saw{given: one}},
		"did not succeed":  {saw: whole, lost: one},
		"the target":       {saw: whole, reached: reached{missing: one}},
		"another one":      {saw: whole, extra: one},
		"had a checkpoint": {saw: whole, reached: reached{late: one}},
		"as 1 executions":  {saw: saw{accepted: 2, ids: whole.ids}},
	} {
		if err := o.kept(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := (outcome{saw: whole}).kept(); err != nil {
		t.Error(err)
	}
}

// TestTarget: the target tells executions that did not reach it, and nodes that ran again.
func TestTarget(t *testing.T) {
	x := &target{calls: make(map[string]*[len(nodes)]int)}
	for _, key := range []string{"a-first-0", "a-first-0", "a-second-0", "b-first-0", "c-second-0", "c-first-0", "other"} {
		r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
		r.Header.Set("Idempotency-Key", key)
		x.ServeHTTP(httptest.NewRecorder(), r)
	}
	got := x.reachedBy(map[string]bool{"a": true, "b": true, "d": true})
	if len(got.missing) != 2 || got.again != 1 || len(got.late) != 1 || got.late[0] != "c" {
		t.Errorf("%+v, want b and d missing, one call again, c late", got)
	}
}
