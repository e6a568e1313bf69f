package caddymodule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

// TestDifferences: the status names what machines do not have in common, and which have what.
// Machines that have not said what they have are left out.
func TestDifferences(t *testing.T) {
	machine := func(name, version string, parts ...string) journal.Machine {
		m := journal.Machine{Name: name, Version: version}
		if len(parts) > 0 {
			m.Config = make(map[string]string)
		}
		for _, part := range parts {
			key, value, _ := strings.Cut(part, "=")
			m.Config[key] = value
		}
		return m
	}
	many := []journal.Machine{}
	for n := range 8 {
		parts := []string{fmt.Sprint("a=", n%2)}
		for k := range 12 {
			parts = append(parts, fmt.Sprintf("b%02d=%d", k, n))
		}
		many = append(many, machine(fmt.Sprint("m", n), "v1", parts...))
	}
	for _, c := range []struct {
		name     string
		machines []journal.Machine
		want     []string // the last ones
		count    int
	}{
		{"one", []journal.Machine{machine("a", "v1", "x=1")}, nil, 0},
		{"equal", []journal.Machine{machine("a", "v1", "x=1"), machine("b", "v1", "x=1")}, nil, 0},
		{"not known", []journal.Machine{machine("a", "v1", "x=1"), machine("b", "v1")}, nil, 0},
		{"version", []journal.Machine{machine("a", "v1", "x=1"), machine("b", "v2")}, []string{"differ in version: v1 on a; v2 on b"}, 1},
		{
			"missing",
			[]journal.Machine{machine("a", "v1", "node x=1", "y=2"), machine("b", "v1", "y=2"), machine("c", "v1", "node x=1", "y=2")},
			[]string{"differ in node x: 1 on a, c; none on b"},
			1,
		},
		{
			"limits last",
			[]journal.Machine{machine("a", "v1", "limits body=1", "node x=1"), machine("b", "v2", "limits body=2", "node x=2")},
			[]string{"differ in node x: 1 on a; 2 on b", "differ in version: v1 on a; v2 on b", "differ in limits body: 1 on a; 2 on b"},
			3,
		},
		{"many", many, []string{
			"differ in b08: 0 on m0; 1 on m1; 2 on m2; 3 on m3; 4 on m4; 3 more values",
			"differ in 3 more parts of their configs",
		}, maxDifferences + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := differences(c.machines)
			if len(got) != c.count {
				t.Fatalf("%d warnings: %+v", len(got), got)
			}
			for i, want := range c.want {
				w := got[len(got)-len(c.want)+i]
				if w.Where != "journal" || w.Reason != "the machines that share it "+want {
					t.Errorf("warning %+v, want %q", w, want)
				}
			}
		})
	}
}

// TestSameNames: each name that several machines have is told once.
func TestSameNames(t *testing.T) {
	got := sameNames([]adminapi.MachineStatus{{Name: "a"}, {Name: "b"}, {Name: "b"}, {Name: "b"}})
	if len(got) != 1 || got[0].Where != "journal" || !strings.Contains(got[0].Reason, "several machines have the name b") {
		t.Errorf("%+v", got)
	}
}
