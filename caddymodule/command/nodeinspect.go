package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/nodetest"
	"github.com/flowtrux/edge/runtime/sandbox"
)

type nodeInspectOptions struct {
	outputOptions
	config string
	typ    string
}

func nodeInspectCommand() *cobra.Command {
	o := new(nodeInspectOptions)
	cmd := newCommand("inspect <file.wasm> [--type t] [--config f]", "Shows a node module's manifest, functions and costs",
		`Shows the manifest of a node module, its exports and imports, the capabilities that it requests,
whether its instances are reused, and what a call costs on this machine. The call has the config
in the file that --config names, or {}. Of a module with several node types it shows each, or the
one that --type names.

The exit status is 1 if a server would reject the module.`,
		cobra.ExactArgs(1), o.run)
	o.addFlags(cmd)
	cmd.Flags().StringVar(&o.config, "config", "", "The `file` with the config of the measured call, - for standard input")
	complete(cmd, "config", completeFiles("json"))
	cmd.Flags().StringVar(&o.typ, "type", "", "The node `type` to inspect, of a module with several")
	cmd.ValidArgsFunction = oneArg(completeFiles("wasm"))
	return cmd
}

// inspection is the result of inspecting a module.
type inspection struct {
	File    string        `json:"file"`
	Size    int           `json:"size"` // bytes
	SHA256  string        `json:"sha256"`
	Refused string        `json:"refused,omitempty"` // why a server would reject it
	Loading time.Duration `json:"loadingNanoseconds,omitempty"`
	// of the only node type, or of the one that was named; nil = Types has them
	*InspectedType
	Types []*InspectedType `json:"types,omitempty"` // of a module with several
	*sandbox.Facts
}

// InspectedType is a node type of an inspected module. It is exported only so that JSON can be
// decoded into an inspection.
type InspectedType struct {
	Type    string    `json:"type,omitempty"`
	Version string    `json:"version,omitempty"`
	Summary string    `json:"summary,omitempty"`
	Handles []string  `json:"handles,omitempty"`
	From    string    `json:"handlesFrom,omitempty"`
	Asks    []string  `json:"capabilities"`
	Secrets string    `json:"secrets,omitempty"` // handles or text
	Call    *measured `json:"call,omitempty"`
}

// measured is the cost of a call.
type measured struct {
	Calls  int           `json:"calls"`
	Median time.Duration `json:"medianNanoseconds"`
	Fuel   uint64        `json:"fuel"`
	Memory uint64        `json:"memory"` // bytes at the end of the call
	Gives  string        `json:"gives"`
}

func (o *nodeInspectOptions) run(cmd *cobra.Command, args []string) (err error) {
	config := []byte(`{}`)
	if o.config != "" {
		b, err := readBody(cmd, o.config)
		if err != nil {
			return err
		}
		if config, err = rawjson.AppendCanonical(nil, b, flow.MaxDepth); err != nil {
			return fmt.Errorf("--config: not JSON: %w", err)
		}
	}
	wasm, err := readModule(args[0])
	if err != nil {
		return err
	}
	host, err := newSandbox()
	if err != nil {
		return err
	}
	defer func() { joinError(&err, host.Close(cmd.Context())) }()
	i, err := o.inspect(cmd.Context(), host, args[0], wasm, config)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if o.json {
		err = printJSON(w, i)
	} else {
		printInspection(w, i)
	}
	if err == nil && i.Refused != "" {
		return errSilent
	}
	return err
}

func (o *nodeInspectOptions) inspect(ctx context.Context, host *sandbox.Host, file string, wasm, config []byte) (i *inspection, err error) {
	sum := sha256.Sum256(wasm)
	i = &inspection{File: file, Size: len(wasm), SHA256: hex.EncodeToString(sum[:]), InspectedType: &InspectedType{Asks: []string{}}}
	begun := time.Now()
	modules, err := host.LoadFamily(ctx, moduleConfig(file, wasm))
	if err != nil {
		i.Refused = err.Error()
	} else {
		defer func() { joinError(&err, closeAll(ctx, modules)) }()
		i.Loading = time.Since(begun)
	}
	if i.Facts, err = host.Inspect(ctx, file, wasm); err != nil {
		return nil, err
	}
	if modules == nil {
		return i, nil
	}
	i.SnapshotObstacles = modules[0].SnapshotObstacles()
	chosen, err := o.chosen(modules)
	if err != nil {
		return nil, err
	}
	for _, m := range chosen {
		t, err := inspectType(ctx, m, config)
		if err != nil {
			i.Refused = fmt.Sprintf("%s: its manifest: %v", file, err)
			if len(chosen) > 1 {
				i.Refused = fmt.Sprintf("%s: the manifest of %s: %v", file, m.Type(), err)
			}
			return i, nil
		}
		i.Types = append(i.Types, t)
	}
	if i.InspectedType = nil; len(chosen) == 1 {
		i.InspectedType, i.Types = i.Types[0], nil
	}
	return i, nil
}

// chosen returns the node types to inspect.
func (o *nodeInspectOptions) chosen(modules []*sandbox.Module) ([]*sandbox.Module, error) {
	names := make([]string, len(modules))
	for i, m := range modules {
		if names[i] = m.Type(); names[i] == o.typ {
			return modules[i : i+1], nil
		}
	}
	switch {
	case o.typ != "":
		return nil, fmt.Errorf("--type: the module has no node type %q; it has %s", o.typ, strings.Join(names, ", "))
	case o.config != "" && len(modules) > 1:
		return nil, fmt.Errorf("--config needs --type: the module has %s", strings.Join(names, ", "))
	}
	return modules, nil
}

func inspectType(ctx context.Context, m *sandbox.Module, config []byte) (*InspectedType, error) {
	t, err := flow.ParseType(m.Manifest())
	if err != nil {
		return nil, err
	}
	i := &InspectedType{
		Type: t.Name, Version: t.Version, Summary: t.Summary, Handles: t.Handles, From: t.HandlesFrom,
		Asks: append([]string{}, t.Capabilities...), Secrets: "text",
	}
	if t.HidesSecrets {
		i.Secrets = "handles"
	}
	i.Call = measure(ctx, m, config)
	return i, nil
}

// Measuring ends after this number of calls, or this time.
const (
	measuredCalls = 10_000
	measuredTime  = 500 * time.Millisecond
)

func measure(ctx context.Context, m *sandbox.Module, config []byte) *measured {
	c := &cases.Case{Config: config}
	last := nodetest.Call(ctx, m, c) // makes the instance that the other calls reuse
	var times []time.Duration
	for begun := time.Now(); len(times) == 0 || len(times) < measuredCalls && time.Since(begun) < measuredTime; {
		last = nodetest.Call(ctx, m, c)
		times = append(times, last.Took)
	}
	slices.Sort(times)
	gives := "an output"
	switch a := last.Answer; {
	case last.Failure != nil:
		gives = last.Failure.Code + ": " + last.Failure.Message
	case a.Error != nil:
		gives = "the error " + orDash(a.Error.Code) + ": " + a.Error.Message
	case a.Handle != "":
		gives = "the handle " + a.Handle
	}
	return &measured{len(times), times[len(times)/2], last.Fuel, last.Memory, gives}
}

func printInspection(w io.Writer, i *inspection) {
	row := rowPrinter(w, 14)
	row("file", "%s, %s", i.File, humanize.IBytes(uint64(i.Size)))
	row("sha256", "%s", i.SHA256)
	if i.Refused != "" {
		row("rejected", "%s", paint(w, red, i.Refused))
	}
	types := i.Types
	if i.InspectedType != nil && i.Type != "" {
		types = []*InspectedType{i.InspectedType}
	}
	for _, t := range types {
		row("node", "%s", strings.TrimSuffix(t.Type+" "+t.Version+": "+t.Summary, ": "))
		row("capabilities", "%s", listed(t.Asks, "nothing"))
		row("secrets", "as %s", t.Secrets)
		row("handles", "%s", handlesText(t))
		if len(types) > 1 {
			row("call", "%s", t.Call)
		}
	}
	if i.Command {
		row("command", "%s", "a WASI command: reads its config from standard input, writes its output to standard output")
	}
	memory := "starts with " + humanize.IBytes(i.MemoryMin)
	if i.MemoryMax > 0 {
		memory += ", at most " + humanize.IBytes(i.MemoryMax)
	}
	row("memory", "%s", memory)
	row("code", "%d functions, %d loops, %d mutable globals", i.Functions, i.Loops, i.Globals)
	if len(i.SnapshotObstacles) > 0 {
		row("instances", "%s", paint(w, yellow, "a new one for each call, which is slow: "+strings.Join(i.SnapshotObstacles, ", ")))
	} else {
		row("instances", "reused; restored from a snapshot after each call")
	}
	if len(types) > 0 {
		row("loading", "%s", rounded(i.Loading))
	}
	if len(types) == 1 {
		row("call", "%s", types[0].Call)
	}
	fmt.Fprintln(w)
	rows := make([][]cell, 0, len(i.Exports)+len(i.Imports))
	for _, e := range i.Exports {
		rows = append(rows, textCells("export", e.Name, e.Signature, ""))
	}
	for _, im := range i.Imports {
		row := textCells("import", im.Module+"."+im.Name, im.Signature, string(im.Needs))
		if !im.Offered {
			row[3] = cell{"not offered", red}
		}
		rows = append(rows, row)
	}
	table(w, []string{"", "FUNCTION", "SIGNATURE", "NEEDS"}, rows)
}

// String describes the cost in one line.
func (m *measured) String() string {
	return fmt.Sprintf("%s, %s fuel, %s of memory; result: %s", rounded(m.Median), humanize.Comma(int64(m.Fuel)), humanize.IBytes(m.Memory), m.Gives)
}

func handlesText(i *InspectedType) string {
	text := listed(i.Handles, "none")
	switch {
	case i.From != "" && len(i.Handles) > 0:
		return text + ", and those in " + i.From
	case i.From != "":
		return "those in " + i.From
	}
	return text
}

func listed(words []string, none string) string {
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ", ")
}

// rounded rounds a time to its meaningful digits.
func rounded(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}
