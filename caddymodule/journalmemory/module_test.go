package journalmemory

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/memory"
)

func TestCaddyfile(t *testing.T) {
	for _, c := range []struct {
		name, in string
		json     string // or
		err      string // part of the error
	}{
		{"bare", "memory", `{}`, ""},
		{"empty block", "memory {\n}", `{}`, ""},
		{"max_pending", "memory {\n\tmax_pending 5\n}", `{"max_pending":5}`, ""},
		{"accept_loss", "memory {\n\taccept_loss\n}", `{"accept_loss":true}`, ""},
		{"accept_loss twice", "memory {\n\taccept_loss\n\taccept_loss\n}", "", "accept_loss is given twice"},
		{"accept_loss with more", "memory {\n\taccept_loss yes\n}", "", "wrong argument count"},
		{"argument", "memory /var/lib/journal", "", "wrong argument count"},
		{"unknown option", "memory {\n\tretention 72h\n}", "", "unrecognized option 'retention'; allowed are: accept_loss, max_pending, at Testfile:2"},
		{"twice", "memory {\n\tmax_pending 5\n\tmax_pending 5\n}", "", "max_pending is given twice"},
		{"no count", "memory {\n\tmax_pending\n}", "", "wrong argument count"},
		{"two counts", "memory {\n\tmax_pending 1 2\n}", "", "wrong argument count"},
		{"no number", "memory {\n\tmax_pending many\n}", "", "not 'many'"},
		{"zero", "memory {\n\tmax_pending 0\n}", "", "not '0'"},
		{"too many", "memory {\n\tmax_pending 100000001\n}", "", "between 1 and 100000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j Journal
			err := j.UnmarshalCaddyfile(caddyfile.NewTestDispenser(c.in))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := json.Marshal(j); err != nil || string(got) != c.json {
				t.Errorf("adapted to %s (%v), want %s", got, err, c.json)
			}
		})
	}
}

func TestModule(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	load := func(config string) (journal.Module, error) {
		m, err := ctx.LoadModuleByID("flowtrux.journals.memory", json.RawMessage(config))
		if err != nil {
			return nil, err
		}
		return m.(journal.Module), nil
	}
	for _, bad := range []string{`{"max_pending":-1}`, `{"max_pending":100000001}`, `{"retention":"72h"}`} {
		if _, err := load(bad); err == nil {
			t.Errorf("%s was loaded", bad)
		}
	}

	standard, err := load(`{}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := standard.(*Journal).MaxPending; got != memory.DefaultMaxPending {
		t.Errorf("default max_pending %d", got)
	}
	small, err := load(`{"max_pending":1,"accept_loss":true}`)
	if err != nil {
		t.Fatal(err)
	}
	same, err := load(`{"max_pending":1,"accept_loss":true}`)
	if err != nil {
		t.Fatal(err)
	}
	if small.JournalKey() != same.JournalKey() || small.JournalKey() == standard.JournalKey() {
		t.Errorf("keys %q, %q, %q: want the first two equal, the third another", small.JournalKey(), same.JournalKey(), standard.JournalKey())
	}

	j, err := small.NewJournal()
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Accept(t.Context(), &journal.Entry{ID: "exec-1"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Accept(t.Context(), &journal.Entry{ID: "exec-2"}); !errors.Is(err, journal.ErrFull) {
		t.Errorf("second execution: %v, want %v", err, journal.ErrFull)
	}
}
