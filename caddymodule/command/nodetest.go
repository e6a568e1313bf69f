package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/runtime/nodetest"
	"github.com/flowtrux/edge/runtime/sandbox"
)

type nodeTestOptions struct {
	outputOptions
	cases string
}

func nodeTestCommand() *cobra.Command {
	o := new(nodeTestOptions)
	cmd := newCommand("test <file.wasm> [--cases f]", "Runs the cases of a node module, and checks the rules for nodes",
		`Runs the cases of a node module, and checks that it follows the rules for nodes.

Cases are calls with their expected results. They are a JSON list in testdata/cases.json beside
the module, or in the file that --cases names. A directory stands for the *.json files in it. In a
module with several node types, each case names its type. No network is used: the cases have the
HTTP responses. Fuel is the same on every machine, times are those of this one.

The exit status is 1 if a case fails or a rule is broken.`,
		cobra.ExactArgs(1), o.run)
	o.addFlags(cmd)
	cmd.Flags().StringVar(&o.cases, "cases", "", "The `file` or directory with cases (default testdata/cases.json beside the module, if it exists)")
	complete(cmd, "cases", completeFiles("json"))
	cmd.ValidArgsFunction = oneArg(completeFiles("wasm"))
	return cmd
}

// tested is the result of testing a module.
type tested struct {
	File   string       `json:"file"`
	Passed bool         `json:"passed"`
	Cases  []testedCase `json:"cases"`
	Rules  []testedRule `json:"rules"`
}

type testedRule struct {
	Type string `json:"type,omitempty"` // "" = the module has one node type
	nodetest.Rule
}

type testedCase struct {
	Type        string             `json:"type,omitempty"` // "" = the module has one node type
	Name        string             `json:"name"`
	Passed      bool               `json:"passed"`
	Differences []cases.Difference `json:"differences,omitempty"`
	// Detail is the stack or standard error of a module that failed.
	Detail      string   `json:"detail,omitempty"`
	Logged      []string `json:"logged,omitempty"`
	Fuel        uint64   `json:"fuel"`
	Memory      uint64   `json:"memory"` // bytes
	Nanoseconds int64    `json:"nanoseconds"`
}

func (o *nodeTestOptions) run(cmd *cobra.Command, args []string) (err error) {
	ctx, file := cmd.Context(), args[0]
	wasm, err := readModule(file)
	if err != nil {
		return err
	}
	list, err := readCases(o.cases, file)
	if err != nil {
		return err
	}
	host, err := newSandbox()
	if err != nil {
		return err
	}
	defer func() { joinError(&err, host.Close(ctx)) }()
	t := &tested{File: file, Passed: true, Cases: []testedCase{}}
	config := moduleConfig(file, wasm)
	// Without real time and real randomness a test gives the same result each time.
	config.Grants.Clock, config.Grants.Random = false, false
	if err := t.run(ctx, host, config, list); err != nil {
		return err
	}
	if o.json {
		err = printJSON(cmd.OutOrStdout(), t)
	} else {
		printTested(cmd, t)
	}
	if err == nil && !t.Passed {
		return errSilent
	}
	return err
}

// readCases reads the cases in a file, or in the *.json files of a directory. Without a name it
// reads those beside the module, if there are any.
func readCases(name, module string) (list []cases.Case, err error) {
	if name == "" {
		name = filepath.Join(filepath.Dir(module), "testdata", "cases.json")
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	files := documents([]string{name})
	for _, f := range files {
		b, err := f.read()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		own, err := cases.Parse(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		for i := range own {
			if len(files) > 1 {
				own[i].Name = filepath.Base(f.name) + ": " + own[i].Name
			}
		}
		list = append(list, own...)
	}
	return list, nil
}

// run tests all node types of a module.
func (t *tested) run(ctx context.Context, host *sandbox.Host, config sandbox.FamilyConfig, list []cases.Case) (err error) {
	modules, err := host.LoadFamily(ctx, config)
	if err != nil {
		return err
	}
	defer func() { joinError(&err, closeAll(ctx, modules)) }()
	names := make([]string, len(modules))
	for i, m := range modules {
		names[i] = m.Type()
	}
	of, err := cases.ByType(list, names...)
	if err != nil {
		return err
	}
	for _, m := range modules {
		typ := ""
		if len(modules) > 1 {
			typ = m.Type()
		}
		for _, c := range of[m.Type()] {
			t.check(ctx, m, typ, &c)
		}
		rules, err := nodetest.Rules(ctx, func(noSnapshot bool) (*sandbox.Module, error) {
			return host.Load(ctx, sandbox.ModuleConfig{
				Type: m.Type(), Source: config.Source, Wasm: config.Wasm, Grants: config.Grants, Offered: m.Type(),
				Limits: sandbox.Limits{Timeout: config.Limits.Timeout, NoSnapshot: noSnapshot},
			})
		}, of[m.Type()])
		if err != nil {
			return err
		}
		for _, r := range rules {
			t.Rules = append(t.Rules, testedRule{typ, r})
			t.Passed = t.Passed && r.Broken == ""
		}
	}
	return nil
}

// check runs a case on a node type.
func (t *tested) check(ctx context.Context, m *sandbox.Module, typ string, c *cases.Case) {
	o := nodetest.Call(ctx, m, c)
	row := testedCase{
		Type: typ, Name: c.Name, Differences: c.Compare(o.Answer), Logged: o.Logged,
		Fuel: o.Fuel, Memory: o.Memory, Nanoseconds: o.Took.Nanoseconds(),
	}
	if row.Passed = len(row.Differences) == 0; !row.Passed {
		t.Passed = false
		if o.Failure != nil && o.Failure.Detail != nil {
			row.Detail = o.Failure.Detail.Error()
		}
	}
	t.Cases = append(t.Cases, row)
}

// title returns the name of a case or rule, with its node type if the module has several.
func title(typ, name string) string {
	if typ == "" {
		return name
	}
	return typ + ": " + name
}

func printTested(cmd *cobra.Command, t *tested) {
	w := cmd.OutOrStdout()
	verdict := func(passed bool) cell {
		if passed {
			return cell{"ok", green}
		}
		return cell{"FAILED", red}
	}
	rows := make([][]cell, 0, len(t.Cases)+len(t.Rules))
	failed := 0
	for _, r := range t.Cases {
		if !r.Passed {
			failed++
		}
		row := textCells("", title(r.Type, r.Name), humanize.Comma(int64(r.Fuel)), humanize.IBytes(r.Memory), rounded(time.Duration(r.Nanoseconds)))
		row[0] = verdict(r.Passed)
		rows = append(rows, row)
	}
	for _, r := range t.Rules {
		if r.Broken != "" {
			failed++
		}
		row := textCells("", title(r.Type, "it "+r.Name), "", "", "")
		row[0] = verdict(r.Broken == "")
		rows = append(rows, row)
	}
	table(w, []string{"", "CASE OR RULE", "FUEL", "MEMORY", "TOOK"}, rows)
	for _, r := range t.Cases {
		printDifferences(cmd, r)
	}
	for _, r := range t.Rules {
		if r.Broken != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "\n%s\n  %s\n", paint(cmd.ErrOrStderr(), red, "rule broken: "+title(r.Type, "it "+r.Name)), r.Broken)
		}
	}
	fmt.Fprintf(w, "\n%s: %s, %s, %d failed\n", t.File, plural(len(t.Cases), "case"), plural(len(t.Rules), "rule"), failed)
}

// printDifferences prints how the result of a case differs from the expected one. Differences in
// JSON have their path.
func printDifferences(cmd *cobra.Command, r testedCase) {
	if r.Passed {
		return
	}
	w := cmd.ErrOrStderr()
	fmt.Fprintf(w, "\n%s\n", paint(w, red, title(r.Type, r.Name)))
	for _, d := range r.Differences {
		lines := diffJSON([]byte(d.Want), []byte(d.Got))
		switch {
		case d.Want == "" || d.Got == "" || d.What == "error" || d.What == "handle":
			lines = []string{fmt.Sprintf("want %s, got %s", orNone(cut(d.Want, 500)), orNone(cut(d.Got, 500)))}
		case len(lines) == 0:
			lines = []string{fmt.Sprintf("same values in another order: want %s, got %s", cut(d.Want, 200), cut(d.Got, 200))}
		}
		for _, line := range lines {
			fmt.Fprintf(w, "  %s: %s\n", d.What, line)
		}
	}
	for _, line := range r.Logged {
		fmt.Fprintf(w, "  log: %s\n", line)
	}
	if r.Detail != "" {
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(strings.TrimSpace(r.Detail), "\n", "\n  "))
	}
}
