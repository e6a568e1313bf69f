package catalog

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestChanged: Changed is called once readers see a workflow as it is now, for each that may have
// changed and no other.
func TestChanged(t *testing.T) {
	nodes := codeNodes(t)
	if err := nodes.Load("code"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var c *Catalog
	var seen []string
	c = New(Options{Nodes: nodes, Changed: func(id string) {
		mu.Lock()
		defer mu.Unlock()
		text := id
		switch w := c.Workflow(id); {
		case w == nil:
			text += " is gone"
		case w.Preparing != nil:
			text += " is being prepared"
		case len(w.Problems) > 0:
			text += " is invalid"
		case len(w.Keys) > 0:
			text += " serves with a secret"
		default:
			text += " serves"
		}
		seen = append(seen, text)
	}})
	t.Cleanup(c.Close)
	want := func(when string, want ...string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(seen)
		if seen = slices.Compact(seen); !slices.Equal(seen, want) {
			t.Errorf("%s: %q, want %q", when, seen, want)
		}
		seen = nil
	}
	c.Apply(reset(5, entry(2, "workflows/v", plain), entry(3, "workflows/w", plain)))
	want("first content", "v serves", "w serves")
	c.Apply(put(6, "workflows/w", broken))
	want("invalid", "w is invalid")
	c.Apply(put(7, "secrets/v", "secret"))
	want("a secret", "v serves with a secret")
	c.Apply(put(8, "globals/g", "1"))
	want("a global")
	c.Apply(del(9, "secrets/v", "workflows/w"))
	want("deleted", "v serves", "w is gone")
	c.Apply(put(10, "workflows/w", coded(counting(1000))))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	last := seen[len(seen)-1]
	mu.Unlock()
	if last != "w serves" {
		t.Errorf("after it was prepared: %q", last)
	}
	want("prepared", "w is being prepared", "w serves")
	c.Apply(reset(11, entry(11, "workflows/v", plain)))
	want("other content", "v serves", "w is gone")
}
