package caddymodule

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

func TestWorkflowLabelIsBounded(t *testing.T) {
	m := newMeters()
	for i := range maxWorkflowLabels {
		if id := fmt.Sprint("w", i); m.workflow(id) != id {
			t.Fatalf("workflow %d has no label", i)
		}
	}
	if got := m.workflow("one-more"); got != otherWorkflows {
		t.Errorf("label %q over the bound", got)
	}
	if got := m.workflow("w0"); got != "w0" {
		t.Errorf("label %q of a workflow that had one", got)
	}
}

// TestSeriesAreLookedUpOnce checks that counting an execution allocates nothing, also of a workflow
// without a label of its own, and that the series in memory are bounded.
func TestSeriesAreLookedUpOnce(t *testing.T) {
	m := newMeters()
	for i := range maxWorkflowLabels + 100 {
		m.execution(&engine.Program{Plan: &flow.Plan{ID: fmt.Sprint("w", i)}}, engine.Succeeded)
	}
	if n := len(m.ofExecutions.series); n != maxWorkflowLabels+1 {
		t.Errorf("%d series in memory, want one for each label", n)
	}
	for _, id := range []string{"w0", fmt.Sprint("w", maxWorkflowLabels+1)} {
		p := &engine.Program{Plan: &flow.Plan{ID: id}}
		if n := testing.AllocsPerRun(100, func() { m.execution(p, engine.Succeeded) }); n > 0 {
			t.Errorf("%s: %v allocations", id, n)
		}
		failed := m.execution(p, engine.Failed)
		if failed.total == m.execution(p, engine.Succeeded).total || failed.total != m.execution(p, engine.Failed).total {
			t.Errorf("%s: the series of another status", id)
		}
	}
}

func TestModeLabel(t *testing.T) {
	if got := mode(&flow.Plan{}); got != "manual" {
		t.Errorf("mode %q without a webhook", got)
	}
	if got := mode(&flow.Plan{Webhook: &flow.Webhook{Mode: flow.AllNodes}}); got != "allNodes" {
		t.Errorf("mode %q", got)
	}
}

func TestRegister(t *testing.T) {
	c := newMeters().refused
	reg := prometheus.NewPedanticRegistry()
	for range 2 {
		if err := register(reg, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := register(reg, newMeters().refused); err == nil {
		t.Error("another collector of the same name was mistaken for ours")
	}
}
