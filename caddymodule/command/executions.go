package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

func executionsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "executions", Short: "Lists, shows, cancels and replays executions"}
	addSubcommands(cmd, []*cobra.Command{
		executionsListCommand(), executionsShowCommand(), executionsCancelCommand(), executionsReplayCommand(),
	})
	return cmd
}

type executionsListOptions struct {
	serverOptions
	filter executionFilter
	follow bool
}

func executionsListCommand() *cobra.Command {
	o := new(executionsListOptions)
	cmd := newCommand("list", "Lists executions, the newest first",
		`Lists executions, the newest first. An execution that a sender waits for is listed as
running, and stays in the list when it has ended if it is recorded.

--follow prints the newest executions, as many as --limit says, and then each new one. These
are in order, the oldest first. An execution is printed again when its status has changed. With
--json there is one line per execution.`, cobra.NoArgs, o.run)
	o.addFlags(cmd)
	o.filter.addFlags(cmd, &o.serverOptions)
	cmd.Flags().BoolVar(&o.follow, "follow", false, "Print new executions until interrupted")
	return cmd
}

func (o *executionsListOptions) run(cmd *cobra.Command, _ []string) error {
	cl, err := o.client()
	if err != nil {
		return err
	}
	if o.follow {
		return o.followExecutions(cmd, cl)
	}
	query, err := o.filter.query(time.Now())
	if err != nil {
		return err
	}
	path := "executions?" + query.Encode()
	if o.json {
		return printResponse(cmd, cl, path)
	}
	var page adminapi.Executions
	if err := cl.get(cmd.Context(), path, &page); err != nil {
		return err
	}
	rows := make([][]cell, 0, len(page.Executions))
	for _, s := range page.Executions {
		rows = append(rows, executionRow(s))
	}
	table(cmd.OutOrStdout(), executionHead, rows)
	if page.Next != "" {
		fmt.Fprintf(cmd.OutOrStdout(), "there are more: --cursor %s\n", page.Next)
	}
	return nil
}

// executionHead names the columns of executionRow.
var executionHead = []string{"EXECUTION", "WORKFLOW", "STATUS", "ACCEPTED", "TOOK", "FAILED"}

func executionRow(s journal.Summary) []cell {
	failed := s.Code
	if s.Node != "" {
		failed = s.Node + ": " + s.Code
	}
	row := textCells(s.ID, s.Workflow, s.Status, s.AcceptedAt.UTC().Format(time.RFC3339), orDash(took(s)), orDash(failed))
	row[2].style = statusStyle(s.Status)
	return row
}

func took(s journal.Summary) string {
	if s.StartedAt.IsZero() || s.EndedAt.IsZero() {
		return ""
	}
	return s.EndedAt.Sub(s.StartedAt).Round(100 * time.Microsecond).String()
}

func statusStyle(status string) style {
	switch status {
	case journal.Succeeded:
		return green
	case journal.Pending, journal.Running:
		return yellow
	default:
		return red
	}
}

// executionPath returns the path of an execution in the admin API.
func executionPath(id string) string { return "executions/" + url.PathEscape(id) }

func executionsShowCommand() *cobra.Command {
	o := new(serverOptions)
	cmd := newCommand("show <id>", "Shows an execution, node by node", "", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			cl, err := o.client()
			if err != nil {
				return err
			}
			if o.json {
				return printResponse(cmd, cl, executionPath(args[0]))
			}
			var r journal.Record
			if err := cl.get(cmd.Context(), executionPath(args[0]), &r); err != nil {
				return err
			}
			printRecord(cmd.OutOrStdout(), &r)
			return nil
		})
	o.addFlags(cmd)
	cmd.ValidArgsFunction = oneArg(completeExecutions(o))
	return cmd
}

func executionsCancelCommand() *cobra.Command {
	o := new(serverOptions)
	cmd := newCommand("cancel <id>", "Cancels an execution that is pending or running", "", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			cl, err := o.client()
			if err != nil {
				return err
			}
			response, err := cl.do(cmd.Context(), http.MethodPost, executionPath(args[0])+"/cancel", nil)
			if err != nil {
				return err
			}
			if o.json {
				_, err = cmd.OutOrStdout().Write(response)
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "cancelled %s\n", args[0])
			return nil
		})
	o.addFlags(cmd)
	cmd.ValidArgsFunction = oneArg(completeExecutions(o, journal.Pending, journal.Running))
	return cmd
}

type executionsReplayOptions struct {
	serverOptions
	nodeTypeOptions
	current  bool
	offline  bool
	workflow string
	limit    int
}

func executionsReplayCommand() *cobra.Command {
	o := new(executionsReplayOptions)
	cmd := newCommand("replay <id>...", "Runs an execution again, from its event",
		`Starts an execution that has ended again, from its event. The new execution has no sender
that waits for a response, in any response mode.

--offline starts nothing. It repeats the calls of the execution's nodes in this process, with
the recorded inputs, clock, random numbers and HTTP responses, and compares the results with the
record. With --node it shows what a new build of a node would change. It takes several
executions, or the newest ones of --workflow. The exit status is 0 if nothing would change, 1 if
something would change, and 2 if no change is known but something cannot be compared.`,
		cobra.ArbitraryArgs, o.run)
	o.serverOptions.addFlags(cmd)
	o.nodeTypeOptions.addFlags(cmd)
	cmd.Flags().BoolVar(&o.current, "current", false, "Use the workflow as it is now, not as it was")
	cmd.Flags().BoolVar(&o.offline, "offline", false, "Repeat the calls of nodes in this process and compare")
	cmd.Flags().StringVar(&o.workflow, "workflow", "", "With --offline: the newest executions of the workflow `id`")
	cmd.Flags().IntVar(&o.limit, "limit", 20, "With --offline and --workflow: maximum number")
	complete(cmd, "workflow", completeWorkflows(&o.serverOptions))
	complete(cmd, "limit", cobra.NoFileCompletions)
	cmd.ValidArgsFunction = completeExecutions(&o.serverOptions,
		journal.Succeeded, journal.Failed, journal.Cancelled, journal.TimedOut)
	return cmd
}

func (o *executionsReplayOptions) run(cmd *cobra.Command, args []string) error {
	if o.offline {
		if o.current {
			return errors.New("--offline needs no workflow: leave out --current")
		}
		return o.compareServed(cmd, args)
	}
	for _, name := range []string{"node", "workflow", "limit"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s requires --offline", name)
		}
	}
	if len(args) != 1 {
		return errors.New("name one execution; several require --offline")
	}
	cl, err := o.client()
	if err != nil {
		return err
	}
	path := executionPath(args[0]) + "/replay"
	if o.current {
		path += "?revision=current"
	}
	response, err := cl.do(cmd.Context(), http.MethodPost, path, nil)
	if err != nil {
		return err
	}
	if o.json {
		_, err = cmd.OutOrStdout().Write(response)
		return err
	}
	var r adminapi.Rerun
	if err := json.Unmarshal(response, &r); err != nil {
		return responseError(err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "replays %s as %s\n", r.ReplayOf, r.ID)
	return nil
}
