package command

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
)

// executionFilter selects executions of the server.
type executionFilter struct {
	workflow string
	status   string
	source   string
	id       string
	from, to string
	cursor   string
	limit    int
}

func (f *executionFilter) addFlags(cmd *cobra.Command, o *serverOptions) {
	flags := cmd.Flags()
	flags.StringVar(&f.workflow, "workflow", "", "Only executions of the workflow `id`")
	flags.StringVar(&f.status, "status", "", "Only executions with this `status`, or one of several, separated by commas: "+
		strings.Join(executionStatuses, ", "))
	flags.StringVar(&f.source, "source", "", "Only executions with this `source`: "+journal.SourceConsole)
	flags.StringVar(&f.id, "id", "", "Only executions whose id begins with this `text`, with or without exec-")
	flags.StringVar(&f.from, "from", "", "Only executions accepted at this `time` or later: 2026-03-01T13:30:00Z, or 2h for two hours ago")
	flags.StringVar(&f.to, "to", "", "Only executions accepted before this `time`")
	flags.IntVar(&f.limit, "limit", journal.DefaultLimit, "Maximum number, up to "+strconv.Itoa(journal.MaxLimit))
	flags.StringVar(&f.cursor, "cursor", "", "Show the page after the one that ended with this `cursor`")
	complete(cmd, "workflow", completeWorkflows(o))
	complete(cmd, "status", cobra.FixedCompletions(executionStatuses, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "source", cobra.FixedCompletions([]cobra.Completion{journal.SourceConsole}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "id", completeExecutions(o))
	for _, name := range []string{"from", "to", "limit", "cursor"} {
		complete(cmd, name, cobra.NoFileCompletions)
	}
}

// query returns the parameters of a request for a page.
func (f *executionFilter) query(now time.Time) (url.Values, error) {
	from, err := timeOf("from", f.from, now)
	if err != nil {
		return nil, err
	}
	to, err := timeOf("to", f.to, now)
	if err != nil {
		return nil, err
	}
	q := url.Values{"limit": {strconv.Itoa(f.limit)}}
	for name, value := range map[string]string{
		"workflow": f.workflow, "status": f.status, "source": f.source, "id": f.id, "from": from, "to": to, "cursor": f.cursor,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q, nil
}

// timeOf returns the time that a flag names, in the form of the admin API: as such, or by how long
// ago it was.
func timeOf(flag, text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		ago, err := caddy.ParseDuration(text)
		if err != nil || ago < 0 {
			return "", fmt.Errorf("--%s %q is neither a time such as 2026-03-01T13:30:00Z nor a duration such as 2h", flag, text)
		}
		t = now.Add(-ago)
	}
	return t.UTC().Format(time.RFC3339Nano), nil
}
