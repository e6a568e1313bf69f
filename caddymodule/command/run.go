package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/egress"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/record"
	"github.com/flowtrux/edge/runtime/response"
)

type runOptions struct {
	outputOptions
	nodeTypeOptions
	data        string
	query       []string // key=value
	globals     []string // key=value
	mode        string
	expect      string
	record      string
	replay      string
	egressAllow []string
}

func runCommand() *cobra.Command {
	o := new(runOptions)
	cmd := newCommand("run <file> [--data f] [--query k=v] [--mode m] [--expect f]",
		"Runs a workflow in this process and prints the response",
		`Runs a workflow in this process, without a server or a signature, and prints the response that
a sender would get. Standard error shows what each node did.

The data of the trigger is the file that --data names (- for standard input). Without --data it
is the data in the document of a manual trigger, or {}.

--expect compares the body of the response with a file. It prints differences with their JSON
path, and the exit status is then 1. A directory of such runs is a test of a workflow.

--record writes the record of the run to a file. --replay takes no workflow: it repeats the
calls in such a file, or in the output of "executions show --json", and compares the results, as
"executions replay --offline" does.`,
		cobra.MaximumNArgs(1), o.run)
	o.outputOptions.addFlags(cmd)
	o.nodeTypeOptions.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.data, "data", "", "The `file` with the body, - for standard input")
	flags.StringArrayVar(&o.query, "query", nil, "Query parameter, as `key=value` (repeatable)")
	flags.StringArrayVar(&o.globals, "global", nil, "Global value, as `key=value`: JSON, or any other text, which becomes a string (repeatable)")
	flags.StringVar(&o.mode, "mode", "", "Response `mode` instead of the document's: "+strings.Join(runModes, ", "))
	flags.StringVar(&o.expect, "expect", "", "The `file` with the expected body of the response")
	flags.StringVar(&o.record, "record", "", "Write the record of the run to this `file`")
	flags.StringVar(&o.replay, "replay", "", "Repeat the calls of the record in this `file` and compare")
	flags.StringArrayVar(&o.egressAllow, "egress-allow", nil, "An `address`, CIDR or host that nodes may reach in addition to public ones (repeatable)")
	for _, name := range []string{"data", "expect", "record", "replay"} {
		complete(cmd, name, completeFiles("json"))
	}
	for _, name := range []string{"query", "global", "egress-allow"} {
		complete(cmd, name, cobra.NoFileCompletions)
	}
	complete(cmd, "mode", cobra.FixedCompletions(runModes, cobra.ShellCompDirectiveNoFileComp))
	cmd.ValidArgsFunction = oneArg(completeFiles("json"))
	return cmd
}

// runModes are the values of --mode. The response in the mode minimal does not depend on the run.
var runModes = []string{string(flow.LastNode), string(flow.SpecificNode), string(flow.AllNodes)}

func (o *runOptions) run(cmd *cobra.Command, args []string) error {
	if o.replay != "" {
		if len(args) > 0 {
			return errors.New("--replay takes no workflow: the record has all that it needs")
		}
		c := comparison{outputOptions: o.outputOptions, nodeTypeOptions: o.nodeTypeOptions}
		return c.compareFile(cmd, o.replay)
	}
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return err
	}
	ctx := cmd.Context()
	local, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer local.close(ctx)

	program, problems, err := local.compile(ctx, file{name: args[0]}, false)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if len(problems) > 0 {
		printProblems(cmd.ErrOrStderr(), args[0], problems)
		return errSilent
	}
	plan := program.Plan
	mode, err := runMode(o.mode, plan)
	if err != nil {
		return err
	}
	ev, err := o.event(cmd, plan)
	if err != nil {
		return err
	}
	patience, continues := senderTimeout(plan)
	if patience > 0 && !continues {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	result, err := o.runProgram(ctx, program, ev)
	if err != nil {
		return err
	}
	got := response.Of(plan, mode, result, ev)
	if continues && result.Duration > patience {
		got = response.AcceptedLate(plan, result.ID)
	}
	if o.expect != "" {
		return o.compareBody(cmd, got.Body)
	}
	if !o.json {
		// On standard error, so that standard output has only the response.
		printTimeline(cmd.ErrOrStderr(), plan, result)
	}
	header := make(http.Header)
	got.Header.AddTo(header, nil)
	if err := printWebhookResponse(cmd, o.json, got.Status, header, got.Body); err != nil {
		return err
	}
	if result.Status != engine.Succeeded {
		return errSilent
	}
	return nil
}

func runMode(name string, plan *flow.Plan) (flow.Mode, error) {
	switch {
	case name == "" && (plan.Webhook == nil || plan.Webhook.Mode == flow.Minimal):
		return flow.LastNode, nil // to show the output of the run
	case name == "":
		return plan.Webhook.Mode, nil
	case !slices.Contains(runModes, name):
		return "", fmt.Errorf("--mode %q is not one of %s", name, strings.Join(runModes, ", "))
	case flow.Mode(name) == flow.SpecificNode && (plan.Webhook == nil || plan.Webhook.ResponseNode < 0):
		return "", errors.New("--mode specificNode: the document has no responseNodeId")
	}
	return flow.Mode(name), nil
}

// senderTimeout returns how long a sender waits for the end of a run, or 0 if no sender waits, and
// whether the run continues afterwards.
func senderTimeout(plan *flow.Plan) (patience time.Duration, continues bool) {
	if w := plan.Webhook; w != nil && w.Mode != flow.Minimal {
		return w.Timeout, w.AcceptOnTimeout
	}
	return 0, false
}

// event returns the event of --data and --query. Without --data the body is the data in the
// document of a manual trigger.
func (o *runOptions) event(cmd *cobra.Command, plan *flow.Plan) (*flow.Event, error) {
	body := plan.Data
	if o.data != "" {
		b, err := readBody(cmd, o.data)
		if err != nil {
			return nil, err
		}
		body = b
	}
	query := make([]string, 0, len(o.query))
	for _, p := range o.query {
		k, v, ok := strings.Cut(p, "=")
		if !ok {
			return nil, fmt.Errorf("--query %q is not key=value", p)
		}
		query = append(query, url.QueryEscape(k)+"="+url.QueryEscape(v))
	}
	ev, err := flow.NewEvent(body, strings.Join(query, "&"), flow.Event{
		Headers: []byte("{}"), Method: "POST", ClientIP: "127.0.0.1", ReceivedAt: time.Now().UTC(),
	})
	if syntax := (*rawjson.SyntaxError)(nil); errors.As(err, &syntax) {
		return nil, fmt.Errorf("--data: not JSON at byte %d: %s", syntax.Offset, syntax.Reason)
	}
	return ev, err
}

// runProgram runs a workflow on an engine of its own.
func (o *runOptions) runProgram(ctx context.Context, program *engine.Program, ev *flow.Event) (*engine.Result, error) {
	http, err := egress.New(egress.Rules{Allow: o.egressAllow})
	if err != nil {
		return nil, fmt.Errorf("--egress-allow: %w", err)
	}
	defer http.Close()
	globals, err := parseGlobals(o.globals)
	if err != nil {
		return nil, err
	}
	e := engine.New(engine.Config{HTTP: http, Globals: globals})
	if o.record == "" {
		return e.NewExecution(ctx, program, e.NewID(), ev, nil).Run(), nil
	}
	run := e.NewExecution(ctx, program, e.NewID(), ev, nil)
	result := run.Run()
	return result, writeRecord(o.record, record.Of(context.WithoutCancel(ctx), run, result))
}

// compareBody compares the body of a response with the file of --expect.
func (o *runOptions) compareBody(cmd *cobra.Command, body []byte) error {
	want, err := os.ReadFile(o.expect)
	if err != nil {
		return err
	}
	differences := diffJSON(want, body)
	w := cmd.OutOrStdout()
	switch {
	case o.json:
		if err := printJSON(w, map[string]any{"equal": len(differences) == 0, "differences": differences}); err != nil {
			return err
		}
	case len(differences) == 0:
		fmt.Fprintf(w, "%s the response body matches %s\n", paint(w, green, "equal:"), o.expect)
	default:
		for _, line := range differences {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", paint(cmd.ErrOrStderr(), red, o.expect), printable(line))
		}
	}
	if len(differences) > 0 {
		return errSilent
	}
	return nil
}
