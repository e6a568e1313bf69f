package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
)

// Executions is what GET /flowtrux/executions answers.
type Executions struct {
	Executions []journal.Summary `json:"executions"` // the newest first
	Next       string            `json:"next,omitempty"`
}

// Replayed is what a replay answers.
type Replayed struct {
	ID       string `json:"id"`
	ReplayOf string `json:"replayOf"`
}

func executionsCommand() *cobra.Command {
	c := &cobra.Command{Use: "executions", Short: "Lists, shows, cancels and replays executions of the running server"}
	list := serverFlags(leaf("list", "Lists executions, the newest first",
		`Executions that a sender waits for are listed when they have ended.

With --follow it begins with the newest, as many as --limit says, and prints each that comes, the oldest first, and again when its status has
changed; with --json a line each.`, cobra.NoArgs, listExecutions))
	list.Flags().String("workflow", "", "Only those of this workflow")
	list.Flags().String("status", "", "Only those: pending, running, succeeded, failed, cancelled, timed_out")
	list.Flags().Int("limit", journal.DefaultLimit, "How many, at most "+strconv.Itoa(journal.MaxLimit))
	list.Flags().String("cursor", "", "Those after a page: what the page before has said at its end")
	list.Flags().Bool("follow", false, "Go on with new executions until interrupted")
	replay := nodeFlag(serverFlags(leaf("replay <id>...", "Starts an execution that has ended anew, from the event it was run from",
		`Nobody waits for its answer, whatever the workflow's mode is. One is started at a time.

With --offline nothing is started: the calls of its nodes are made again in this process, from their recorded inputs, with the clock, random
numbers and HTTP answers of then, and what they give is compared. With --node it tells what a new build of a node would do differently on
executions that have been: of several that are named, or the newest of --workflow. The exit status is 0 when nothing would change, 1 when
something would, and 2 when nothing is known to change and something cannot be compared.`, cobra.ArbitraryArgs, replayExecution)))
	replay.Flags().Bool("current", false, "With the workflow as it serves now, instead of as it was")
	replay.Flags().Bool("offline", false, "Make the calls of its nodes again in this process and compare")
	replay.Flags().String("workflow", "", "With --offline: the newest executions of this workflow")
	replay.Flags().Int("limit", 20, "With --offline and --workflow: how many")
	return group(c, list, replay,
		serverFlags(leaf("show <id>", "Shows what became of an execution, node by node", "", cobra.ExactArgs(1), showExecution)),
		serverFlags(leaf("cancel <id>", "Ends an execution that waits or runs", "", cobra.ExactArgs(1), cancelExecution)))
}

func listExecutions(cmd *cobra.Command, _ []string) error {
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	limit, _ := cmd.Flags().GetInt("limit")
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	for _, name := range []string{"workflow", "status", "cursor"} {
		if v := text(cmd, name); v != "" {
			q.Set(name, v)
		}
	}
	if flag(cmd, "follow") {
		return followExecutions(cmd, cl, q)
	}
	if flag(cmd, "json") {
		return passOn(cmd, cl, "executions?"+q.Encode())
	}
	var page Executions
	if err := cl.get(cmd.Context(), "executions?"+q.Encode(), &page); err != nil {
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
	return []cell{
		c(s.ID), c(s.Workflow), {s.Status, statusStyle(s.Status)}, c(s.AcceptedAt.UTC().Format(time.RFC3339)), c(dash(took(s))), c(dash(failed)),
	}
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

func showExecution(cmd *cobra.Command, args []string) error {
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	path := "executions/" + url.PathEscape(args[0])
	if flag(cmd, "json") {
		return passOn(cmd, cl, path)
	}
	var r journal.Record
	if err := cl.get(cmd.Context(), path, &r); err != nil {
		return err
	}
	printRecord(cmd.OutOrStdout(), &r)
	return nil
}

func cancelExecution(cmd *cobra.Command, args []string) error {
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	answer, err := cl.do(cmd.Context(), http.MethodPost, "executions/"+url.PathEscape(args[0])+"/cancel", nil)
	if err != nil {
		return err
	}
	if flag(cmd, "json") {
		_, err = cmd.OutOrStdout().Write(answer)
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "cancelled %s\n", args[0])
	return nil
}

func replayExecution(cmd *cobra.Command, args []string) error {
	if flag(cmd, "offline") {
		if flag(cmd, "current") {
			return errors.New("--offline needs no workflow, so it has no --current")
		}
		return compareServed(cmd, args)
	}
	for _, name := range []string{"node", "workflow", "limit"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is for --offline", name)
		}
	}
	if len(args) != 1 {
		return errors.New("name the one execution that is to be started anew; several are for --offline")
	}
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	path := "executions/" + url.PathEscape(args[0]) + "/replay"
	if flag(cmd, "current") {
		path += "?revision=current"
	}
	answer, err := cl.do(cmd.Context(), http.MethodPost, path, nil)
	if err != nil {
		return err
	}
	if flag(cmd, "json") {
		_, err = cmd.OutOrStdout().Write(answer)
		return err
	}
	var r Replayed
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "replays %s as %s\n", r.ReplayOf, r.ID)
	return nil
}
