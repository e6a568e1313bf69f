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

func nodeInspectCommand() *cobra.Command {
	cmd := jsonFlag(leaf("inspect <file.wasm> [--config f]", "Shows what a node module is, wants and costs",
		`What it describes, exports and imports, what it asks for, how its instances are used again, and what a call with the
config in the file that --config names ({} without it) takes on this machine. The exit status is 1 when a server would refuse the module.`,
		cobra.ExactArgs(1), nodeInspect))
	cmd.Flags().String("config", "", "File with the config of the call that is measured, - for standard input")
	return cmd
}

// inspection is what node inspect shows.
type inspection struct {
	File    string        `json:"file"`
	Size    int           `json:"size"` // bytes
	SHA256  string        `json:"sha256"`
	Refused string        `json:"refused,omitempty"` // why a server would not load it
	Type    string        `json:"type,omitempty"`
	Version string        `json:"version,omitempty"`
	Summary string        `json:"summary,omitempty"`
	Handles []string      `json:"handles,omitempty"`
	From    string        `json:"handlesFrom,omitempty"`
	Asks    []string      `json:"capabilities"`
	Secrets string        `json:"secrets,omitempty"` // how it gets them: handles or text
	Loading time.Duration `json:"loadingNanoseconds,omitempty"`
	Call    *measured     `json:"call,omitempty"`
	*sandbox.Facts
}

// measured is what a call takes.
type measured struct {
	Calls  int           `json:"calls"`
	Median time.Duration `json:"medianNanoseconds"`
	Fuel   uint64        `json:"fuel"`
	Memory uint64        `json:"memory"` // bytes at its end
	Gives  string        `json:"gives"`
}

func nodeInspect(cmd *cobra.Command, args []string) (err error) {
	config := []byte(`{}`)
	if name := text(cmd, "config"); name != "" {
		b, err := readBody(cmd, name)
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
	defer closing(&err, func() error { return host.Close(cmd.Context()) })
	i, err := inspect(cmd.Context(), host, args[0], wasm, config)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if flag(cmd, "json") {
		err = printJSON(w, i)
	} else {
		printInspection(w, i)
	}
	if err == nil && i.Refused != "" {
		return errSilent
	}
	return err
}

func inspect(ctx context.Context, host *sandbox.Host, file string, wasm, config []byte) (i *inspection, err error) {
	sum := sha256.Sum256(wasm)
	i = &inspection{File: file, Size: len(wasm), SHA256: hex.EncodeToString(sum[:]), Asks: []string{}}
	begun := time.Now()
	m, err := host.Load(ctx, moduleConfig(file, wasm))
	if err != nil {
		i.Refused = err.Error()
	} else {
		defer closing(&err, func() error { return m.Close(ctx) })
		i.Loading = time.Since(begun)
	}
	if i.Facts, err = host.Inspect(ctx, file, wasm); err != nil {
		// There is nothing to see of what is no module.
		return nil, err
	}
	if m == nil {
		return i, nil
	}
	t, err := flow.ParseType(m.Manifest())
	if err != nil {
		i.Refused = fmt.Sprintf("%s: its manifest: %v", file, err)
		return i, nil
	}
	i.Type, i.Version, i.Summary = t.Name, t.Version, t.Summary
	i.Handles, i.From, i.SnapshotObstacles = t.Handles, t.HandlesFrom, m.SnapshotObstacles()
	i.Asks = append(i.Asks, t.Capabilities...)
	if i.Secrets = "text"; t.HidesSecrets {
		i.Secrets = "handles"
	}
	i.Call = measure(ctx, m, config)
	return i, nil
}

// Bounds of measuring: it ends when there are as many calls, or when they have taken as long.
const (
	measuredCalls = 10_000
	measuredTime  = 500 * time.Millisecond
)

func measure(ctx context.Context, m *sandbox.Module, config []byte) *measured {
	c := &cases.Case{Config: config}
	last := nodetest.Call(ctx, m, c) // makes the instance that the others use again
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
		gives = "the error " + dash(a.Error.Code) + ": " + a.Error.Message
	case a.Handle != "":
		gives = "the handle " + a.Handle
	}
	return &measured{len(times), times[len(times)/2], last.Fuel, last.Memory, gives}
}

func printInspection(w io.Writer, i *inspection) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s%s\n", paint(w, dim, fmt.Sprintf("%-11s", name)), fmt.Sprintf(format, args...))
	}
	row("file", "%s, %s", i.File, humanize.IBytes(uint64(i.Size)))
	row("sha256", "%s", i.SHA256)
	if i.Refused != "" {
		row("refused", "%s", paint(w, red, i.Refused))
	}
	if i.Type != "" {
		row("node", "%s", strings.TrimSuffix(i.Type+" "+i.Version+": "+i.Summary, ": "))
		row("asks for", "%s", listed(i.Asks, "nothing"))
		row("secrets", "as %s", i.Secrets)
		row("handles", "%s", handlesText(i))
	}
	if i.Command {
		row("command", "%s", "of WASI: its config is its standard input, its output its standard output")
	}
	memory := "begins with " + humanize.IBytes(i.MemoryMin)
	if i.MemoryMax > 0 {
		memory += ", at most " + humanize.IBytes(i.MemoryMax)
	}
	row("memory", "%s", memory)
	row("code", "%d functions, %d loops, %d globals that change", i.Functions, i.Loops, i.Globals)
	if len(i.SnapshotObstacles) > 0 {
		row("instances", "%s", paint(w, yellow, "new for each call, the slow way: "+strings.Join(i.SnapshotObstacles, ", ")))
	} else {
		row("instances", "put back after each call")
	}
	if i.Call != nil {
		row("loading", "%s", rounded(i.Loading))
		row("call", "%s, %s fuel, %s of memory; it gave %s", rounded(i.Call.Median), humanize.Comma(int64(i.Call.Fuel)),
			humanize.IBytes(i.Call.Memory), i.Call.Gives)
	}
	fmt.Fprintln(w)
	rows := make([][]cell, 0, len(i.Exports)+len(i.Imports))
	for _, e := range i.Exports {
		rows = append(rows, []cell{c("export"), c(e.Name), c(e.Signature), c("")})
	}
	for _, im := range i.Imports {
		note := c("")
		switch {
		case !im.Offered:
			note = cell{"not offered", red}
		case im.Needs != "":
			note = c(string(im.Needs))
		}
		rows = append(rows, []cell{c("import"), c(im.Module + "." + im.Name), c(im.Signature), note})
	}
	table(w, []string{"", "FUNCTION", "SIGNATURE", "NEEDS"}, rows)
}

func handlesText(i *inspection) string {
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

// rounded is a time with as many digits as mean something.
func rounded(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}
