package command

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
)

// followEvery is how often a server is asked for new executions.
const followEvery = time.Second

// followExecutions prints executions as they come, the oldest first, and each again when its status has changed, until the
// command is interrupted. It looks at as many of the newest as --limit says.
func followExecutions(cmd *cobra.Command, cl *client, q url.Values) error {
	shown := make(map[string]string) // status by id, of the last answer
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		var page Executions
		if err := cl.get(cmd.Context(), "executions?"+q.Encode(), &page); err != nil {
			if cmd.Context().Err() != nil {
				return nil
			}
			return err
		}
		now := make(map[string]string, len(page.Executions))
		slices.Reverse(page.Executions)
		for _, s := range page.Executions {
			now[s.ID] = s.Status
			if shown[s.ID] != s.Status {
				if err := printFollowed(cmd, s); err != nil {
					return err
				}
			}
		}
		shown = now
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return nil
		}
	}
}

func printFollowed(cmd *cobra.Command, s journal.Summary) error {
	w := cmd.OutOrStdout()
	if flag(cmd, "json") {
		return printJSON(w, s)
	}
	row := executionRow(s)
	_, err := fmt.Fprintf(w, "%s  %s  %s  %s  %s  %s\n",
		row[3].text, row[0].text, paint(w, row[2].style, row[2].text), row[1].text, row[4].text, row[5].text)
	return err
}
