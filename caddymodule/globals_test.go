package caddymodule

import (
	"errors"
	"sync"
	"testing"

	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// TestAddGlobal checks that concurrent additions of executions all count. The patterns for writes
// apply to them too.
func TestAddGlobal(t *testing.T) {
	s := newSite(t, `{"globals_write":["counters.*"]}`, `{}`)
	g := globals{s.app}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if _, err := g.AddGlobal(t.Context(), "counters.orders", 2); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if sum, err := g.AddGlobal(t.Context(), "counters.orders", -1); err != nil || string(sum) != "159" {
		t.Errorf("%s, %v, want 159", sum, err)
	}
	if v, ok := g.Global("counters.orders"); !ok || string(v) != "159" {
		t.Errorf("the next read returns %s, %t", v, ok)
	}
	for _, c := range []struct{ key, stored, sum, code string }{
		{"counters.spaced", " 7\n", "8", ""},
		{"counters.text", "seven", "", "global_not_integer"},
		{"counters.empty", "", "", "global_not_integer"},
		{"counters.half", "7.5", "", "global_not_integer"},
		{"counters.most", "9223372036854775807", "", "global_not_integer"},
		{"orders", "1", "", "global_not_allowed"},
		{"__secret_n", "1", "", "global_not_allowed"},
	} {
		s.put(catalog.GlobalPrefix+c.key, c.stored)
		sum, err := g.AddGlobal(t.Context(), c.key, 1)
		var failure *hostapi.Failure
		if errors.As(err, &failure) != (c.code != "") || string(sum) != c.sum || c.code != "" && failure.Code != c.code {
			t.Errorf("%s: %s, %v, want %s%s", c.key, sum, err, c.sum, c.code)
		}
	}
}
