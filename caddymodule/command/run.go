package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/egress"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/response"
)

func runCommand() *cobra.Command {
	cmd := nodeFlag(jsonFlag(leaf("run <file> [--data f] [--query k=v] [--mode m] [--expect f]",
		"Runs a workflow in this process and prints what a sender would get",
		`No server and no signature: the trigger's data is the file that --data names (- for standard input);
without it that of a manual trigger's document, or {}. With --expect the answer's body is compared with a file; differences are printed with
their JSON path and the exit status is 1, so that a directory of such runs is a test of a workflow.

--record writes the record of the run to a file. --replay, which takes no workflow, makes the calls in such a file, or in one from
"executions show --json", again and compares what they give, as "executions replay --offline" does.`,
		cobra.MaximumNArgs(1), run)))
	cmd.Flags().String("data", "", "File with the body, - for standard input")
	cmd.Flags().StringArray("query", nil, "A query parameter, as key=value (repeatable)")
	cmd.Flags().StringArray("global", nil, "A global value, as key=value; JSON, or text that is not JSON (repeatable)")
	cmd.Flags().String("mode", "", "Response mode instead of the document's: lastNode, specificNode, allNodes")
	cmd.Flags().String("expect", "", "File with the wanted body")
	cmd.Flags().String("record", "", "File to write the record of the run to")
	cmd.Flags().String("replay", "", "File with a record whose calls are made again and compared")
	cmd.Flags().StringArray("egress-allow", nil, "Address, CIDR or host that nodes may reach beyond public ones (repeatable)")
	return cmd
}

func run(cmd *cobra.Command, args []string) error {
	if file := text(cmd, "replay"); file != "" {
		if len(args) > 0 {
			return errors.New("--replay takes no workflow: the record has all that it needs")
		}
		return compareFile(cmd, file)
	}
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return err
	}
	ctx := cmd.Context()
	d, err := openDesk(ctx, cmd)
	if err != nil {
		return err
	}
	defer d.close(ctx)

	program, problems, err := d.compile(ctx, file{name: args[0]}, false)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if len(problems) > 0 {
		printProblems(cmd.ErrOrStderr(), args[0], problems)
		return errSilent
	}
	plan := program.Plan
	mode, err := runMode(text(cmd, "mode"), plan)
	if err != nil {
		return err
	}
	ev, err := runEvent(cmd, plan)
	if err != nil {
		return err
	}
	patience, goesOn := senderWaits(plan)
	if patience > 0 && !goesOn {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	result, err := runProgram(ctx, cmd, program, ev)
	if err != nil {
		return err
	}
	got := response.Of(plan, mode, result, ev)
	if goesOn && result.Duration > patience {
		got = response.AcceptedLate(plan, result.ID)
	}
	if file := text(cmd, "expect"); file != "" {
		return expect(cmd, file, got.Body)
	}
	printTimeline(cmd, plan, result)
	if err := printAnswer(cmd, got.Status, got.Header, got.Body); err != nil {
		return err
	}
	if result.Status != engine.Succeeded {
		return errSilent
	}
	return nil
}

func runMode(name string, plan *flow.Plan) (flow.Mode, error) {
	switch mode := flow.Mode(name); mode {
	case flow.LastNode, flow.AllNodes:
		return mode, nil
	case flow.SpecificNode:
		if plan.Webhook == nil || plan.Webhook.ResponseNode < 0 {
			return "", errors.New("--mode specificNode: the document names no responseNodeId")
		}
		return mode, nil
	case "":
		// What minimal answers does not depend on the run: whoever runs it here wants to see its
		// output.
		if plan.Webhook == nil || plan.Webhook.Mode == flow.Minimal {
			return flow.LastNode, nil
		}
		return plan.Webhook.Mode, nil
	default:
		return "", fmt.Errorf("--mode %q is not one of lastNode, specificNode, allNodes", name)
	}
}

// senderWaits is how long a sender waits for the end of a run, 0 when none does, and whether the
// run goes on after that.
func senderWaits(plan *flow.Plan) (patience time.Duration, goesOn bool) {
	if w := plan.Webhook; w != nil && w.Mode != flow.Minimal {
		return w.Timeout, w.AcceptOnTimeout
	}
	return 0, false
}

// runEvent makes the event of --data and --query; without --data a manual trigger gives the data of
// its document.
func runEvent(cmd *cobra.Command, plan *flow.Plan) (*flow.Event, error) {
	body := plan.Data
	if file := text(cmd, "data"); file != "" {
		b, err := readBody(cmd, file)
		if err != nil {
			return nil, err
		}
		body = b
	}
	params, _ := cmd.Flags().GetStringArray("query")
	query := make([]string, 0, len(params))
	for _, p := range params {
		k, v, ok := strings.Cut(p, "=")
		if !ok {
			return nil, fmt.Errorf("--query %q is not key=value", p)
		}
		query = append(query, url.QueryEscape(k)+"="+url.QueryEscape(v))
	}
	ev, err := flow.NewEvent(body, strings.Join(query, "&"), flow.Event{
		Headers: []byte("{}"), Method: "POST", ClientIP: "127.0.0.1", ReceivedAt: time.Now().UTC(),
	})
	if bad := (*rawjson.SyntaxError)(nil); errors.As(err, &bad) {
		return nil, fmt.Errorf("--data: not JSON at byte %d: %s", bad.Offset, bad.Reason)
	}
	return ev, err
}

// runProgram runs it with an engine of its own, which is gone when it returns.
func runProgram(ctx context.Context, cmd *cobra.Command, program *engine.Program, ev *flow.Event) (*engine.Result, error) {
	allow, _ := cmd.Flags().GetStringArray("egress-allow")
	http, err := egress.New(egress.Rules{Allow: allow})
	if err != nil {
		return nil, fmt.Errorf("--egress-allow: %w", err)
	}
	defer http.Close()
	globals, err := readGlobals(cmd)
	if err != nil {
		return nil, err
	}
	e := engine.New(engine.Config{HTTP: http, Globals: globals})
	file := text(cmd, "record")
	if file == "" {
		return e.Run(ctx, program, e.NewID(), ev, nil), nil
	}
	result, record := e.RunRecorded(ctx, program, e.NewID(), ev)
	return result, writeRecord(file, record)
}

// localGlobals are the values of --global; what a workflow sets is seen by its later nodes and then
// gone. Nodes that run side by side share it.
type localGlobals struct {
	values  sync.Map // string -> []byte
	writing sync.Mutex
}

func readGlobals(cmd *cobra.Command) (*localGlobals, error) {
	g := new(localGlobals)
	given, _ := cmd.Flags().GetStringArray("global")
	for _, kv := range given {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("--global %q is not key=value", kv)
		}
		value := []byte(v)
		if !gjson.ValidBytes(value) {
			value = rawjson.AppendQuoted(nil, value)
		}
		g.values.Store(k, value)
	}
	return g, nil
}

// Global implements engine.Globals.
func (g *localGlobals) Global(key string) ([]byte, bool) {
	v, ok := g.values.Load(key)
	if !ok {
		return nil, false
	}
	return v.([]byte), true
}

// SetGlobal implements engine.Globals.
func (g *localGlobals) SetGlobal(_ context.Context, key string, value []byte) error {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.values.Store(key, bytes.Clone(value))
	return nil
}

// AddGlobal implements engine.Globals.
func (g *localGlobals) AddGlobal(_ context.Context, key string, by int64) ([]byte, error) {
	g.writing.Lock()
	defer g.writing.Unlock()
	value, _ := g.Global(key)
	sum, ok := rawjson.AddInteger(nil, value, by)
	if !ok {
		return nil, hostapi.ErrGlobalNotInteger
	}
	g.values.Store(key, sum)
	return bytes.Clone(sum), nil
}

// expect compares a body with a file.
func expect(cmd *cobra.Command, file string, body []byte) error {
	want, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	diff := diffJSON(want, body)
	w := cmd.OutOrStdout()
	if flag(cmd, "json") {
		if err := printJSON(w, map[string]any{"equal": len(diff) == 0, "differences": diff}); err != nil {
			return err
		}
	} else if len(diff) == 0 {
		fmt.Fprintf(w, "%s the answer is that of %s\n", paint(w, green, "equal:"), file)
	} else {
		for _, line := range diff {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", paint(cmd.ErrOrStderr(), red, file), printable(line))
		}
	}
	if len(diff) > 0 {
		return errSilent
	}
	return nil
}

// printTimeline tells on standard error what each node did, so that standard output is the answer
// alone.
func printTimeline(cmd *cobra.Command, plan *flow.Plan, r *engine.Result) {
	if flag(cmd, "json") {
		return
	}
	w := cmd.ErrOrStderr()
	rows := make([][]cell, 0, len(plan.Nodes))
	for i := range plan.Nodes {
		n := &r.Nodes[i]
		took, fuel, note := "-", "-", ""
		if n.Attempts > 0 {
			took, fuel = n.Duration.Round(time.Microsecond).String(), strconv.FormatUint(n.Fuel, 10)
		}
		if n.Err != nil {
			note = n.Err.Code + ": " + n.Err.Message
		} else if why := engine.Why(plan, r, i); why != "" {
			note = why
		} else if n.Handle != "" {
			note = "→ " + n.Handle
		}
		rows = append(rows, []cell{c(plan.Nodes[i].ID), c(plan.Nodes[i].Type), nodeState(n.State), c(took), c(fuel), c(note)})
	}
	table(w, []string{"NODE", "TYPE", "STATE", "TOOK", "FUEL", ""}, rows)
	fmt.Fprintf(w, "%s in %s\n\n", r.Status, r.Duration.Round(time.Microsecond))
}

func nodeState(s engine.NodeState) cell {
	switch s {
	case engine.Completed:
		return cell{"completed", green}
	case engine.NodeFailed:
		return cell{"failed", red}
	case engine.Skipped:
		return cell{"skipped", dim}
	case engine.Stopped:
		return cell{"stopped", yellow}
	}
	return cell{"not run", dim}
}
