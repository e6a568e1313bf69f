package command

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
)

// ownedJournal is a journal of a fleet, that machines use.
type ownedJournal struct {
	journal.Journal
	fleet    string
	machines []string
}

func (o *ownedJournal) TakeOver(_ context.Context, fleet string, inUse bool) (t journal.Takeover, err error) {
	if t.Before = o.fleet; o.fleet == fleet {
		return t, nil
	}
	if len(o.machines) > 0 && !inUse {
		return t, &journal.UsedError{Fleet: o.fleet, Machines: o.machines}
	}
	t.Machines, o.machines, o.fleet = o.machines, nil, fleet
	return t, nil
}

// TestJournalAdopt: both fleets are named, and one that is used is taken only if that is said.
func TestJournalAdopt(t *testing.T) {
	var j journal.Journal
	fleet := func(context.Context, []byte) (string, error) { return "etcd cluster 2", nil }
	run := func(args ...string) (string, error) {
		cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
		Flowtrux(nil, func(context.Context, []byte) (journal.Journal, string, context.CancelFunc, error) {
			return j, "postgres", func() {}, nil
		}, fleet).CobraFunc(cmd)
		var out strings.Builder
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetArgs(append([]string{"journal", "adopt"}, args...))
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	config := write(t, "caddy.json", `{}`)
	fails := func(err error, want ...string) {
		t.Helper()
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%v, want it to have %q", err, part)
			}
		}
	}
	_, err := run()
	fails(err, "accepts 1 arg(s), received 0", "journal adopt <config>")
	_, err = run(config + "x")
	fails(err, "no such file")
	j = &struct{ journal.Journal }{}
	_, err = run(config)
	fails(err, config, "belongs to no fleet")

	many := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	owned := &ownedJournal{fleet: "etcd cluster 1", machines: many}
	j = owned
	_, err = run(config)
	fails(err, "etcd cluster 1", "etcd cluster 2", "by a, b", "j and 2 more", "--in-use")
	if !errors.Is(err, journal.ErrInUse) || owned.fleet != "etcd cluster 1" {
		t.Errorf("%v, and it belongs to %s", err, owned.fleet)
	}
	owned.machines = many[:2]
	check := func(want string, args ...string) {
		t.Helper()
		got, err := run(args...)
		if err != nil || got != want {
			t.Errorf("%q prints\n%s\n%v, want\n%s", args, got, err, want)
		}
	}
	check("fleet   etcd cluster 2\nbefore  etcd cluster 1\nended   a\nended   b\n", config, "--in-use")
	check("fleet   etcd cluster 2: it had the journal before\n", config)
	owned.fleet = ""
	check("fleet   etcd cluster 2\nbefore  none\n", config)

	out, err := run(config, "--json")
	var r struct {
		Fleet, Before string
		Ended         []string
		Already       bool
	}
	if bad := json.Unmarshal([]byte(out), &r); bad != nil || err != nil || !r.Already || r.Before != r.Fleet || !slices.Equal(r.Ended, []string{}) {
		t.Errorf("%s: %v, %v", out, bad, err)
	}
}
