package command

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
)

// foreignJournal is a journal of another fleet.
type foreignJournal struct {
	journal.Portable
	journal.Sharing
}

func (foreignJournal) Belong(context.Context, string) error { return journal.ErrOtherFleet }

// A journal that is not used after all is released, once.
func TestRefusedJournalIsReleased(t *testing.T) {
	config := write(t, "caddy.json", `{}`)
	for _, args := range [][]string{{"export", "file"}, {"reopen", "file"}} {
		released := 0
		cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
		Flowtrux(nil, func(context.Context, []byte) (journal.Journal, string, context.CancelFunc, error) {
			return foreignJournal{}, "postgres", func() { released++ }, nil
		}, func(context.Context, []byte) (string, error) { return "etcd cluster 2", nil }).CobraFunc(cmd)
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		cmd.SetArgs(append(append([]string{"journal"}, args...), "--config", config))
		if err := cmd.ExecuteContext(t.Context()); !errors.Is(err, journal.ErrOtherFleet) || released != 1 {
			t.Errorf("%q: %v, released %d times", args, err, released)
		}
	}
}
