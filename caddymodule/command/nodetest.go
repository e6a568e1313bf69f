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

func nodeTestCommand() *cobra.Command {
	cmd := jsonFlag(leaf("test <file.wasm> [--cases f]", "Runs a node module's cases, and looks whether it keeps the rules for nodes",
		`Cases are calls and what each has to give, a JSON list in testdata/cases.json beside the module or where --cases says (a directory
stands for the *.json files in it). Nothing is reached from here: what http answers stands in the cases. Fuel is the same on every
machine, times are this one's. The exit status is 1 when something is not as it should be.`,
		cobra.ExactArgs(1), nodeTest))
	cmd.Flags().String("cases", "", "File or directory with cases (default: testdata/cases.json beside the module, if it is there)")
	return cmd
}

// tested is what node test shows.
type tested struct {
	File   string          `json:"file"`
	Passed bool            `json:"passed"`
	Cases  []testedCase    `json:"cases"`
	Rules  []nodetest.Rule `json:"rules"`
}

type testedCase struct {
	Name        string             `json:"name"`
	Passed      bool               `json:"passed"`
	Differences []cases.Difference `json:"differences,omitempty"`
	// of a failure of the module: its stack, its standard error
	Detail      string   `json:"detail,omitempty"`
	Logged      []string `json:"logged,omitempty"`
	Fuel        uint64   `json:"fuel"`
	Memory      uint64   `json:"memory"` // bytes
	Nanoseconds int64    `json:"nanoseconds"`
}

func nodeTest(cmd *cobra.Command, args []string) (err error) {
	ctx, file := cmd.Context(), args[0]
	wasm, err := readModule(file)
	if err != nil {
		return err
	}
	list, err := readCases(text(cmd, "cases"), file)
	if err != nil {
		return err
	}
	host, err := newSandbox()
	if err != nil {
		return err
	}
	defer closing(&err, func() error { return host.Close(ctx) })
	t := &tested{File: file, Passed: true, Cases: []testedCase{}}
	config := moduleConfig(file, wasm)
	// a test that passes today passes tomorrow
	config.Grants.Clock, config.Grants.Random = false, false
	if err := t.run(ctx, host, config, list); err != nil {
		return err
	}
	if flag(cmd, "json") {
		err = printJSON(cmd.OutOrStdout(), t)
	} else {
		printTested(cmd, t)
	}
	if err == nil && !t.Passed {
		return errSilent
	}
	return err
}

// readCases reads the cases of a file, or of a directory's *.json files. Without a name it looks
// beside the module.
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

func (t *tested) run(ctx context.Context, host *sandbox.Host, config sandbox.ModuleConfig, list []cases.Case) (err error) {
	load := func(noSnapshot bool) (*sandbox.Module, error) {
		config.Limits.NoSnapshot = noSnapshot
		return host.Load(ctx, config)
	}
	m, err := load(false)
	if err != nil {
		return err
	}
	defer closing(&err, func() error { return m.Close(ctx) })
	for i := range list {
		c := &list[i]
		o := nodetest.Call(ctx, m, c)
		row := testedCase{
			Name: c.Name, Differences: c.Compare(o.Answer), Logged: o.Logged,
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
	t.Rules, err = nodetest.Rules(ctx, load, list)
	for _, r := range t.Rules {
		t.Passed = t.Passed && r.Broken == ""
	}
	return err
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
		rows = append(rows, []cell{verdict(r.Passed), c(r.Name), c(humanize.Comma(int64(r.Fuel))), c(humanize.IBytes(r.Memory)), c(rounded(time.Duration(r.Nanoseconds)))})
	}
	for _, r := range t.Rules {
		if r.Broken != "" {
			failed++
		}
		rows = append(rows, []cell{verdict(r.Broken == ""), c("it " + r.Name), c(""), c(""), c("")})
	}
	table(w, []string{"", "CASE OR RULE", "FUEL", "MEMORY", "TOOK"}, rows)
	for _, r := range t.Cases {
		printDifferences(cmd, r)
	}
	for _, r := range t.Rules {
		if r.Broken != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "\n%s\n  %s\n", paint(cmd.ErrOrStderr(), red, "it does not keep the rule: it "+r.Name), r.Broken)
		}
	}
	fmt.Fprintf(w, "\n%s: %s, %s, %d failed\n", t.File, plural(len(t.Cases), "case"), plural(len(t.Rules), "rule"), failed)
}

// printDifferences tells of a case what is not as it says, values of JSON by their paths.
func printDifferences(cmd *cobra.Command, r testedCase) {
	if r.Passed {
		return
	}
	w := cmd.ErrOrStderr()
	fmt.Fprintf(w, "\n%s\n", paint(w, red, r.Name))
	for _, d := range r.Differences {
		lines := diffJSON([]byte(d.Want), []byte(d.Got))
		switch {
		case d.Want == "" || d.Got == "" || d.What == "error" || d.What == "handle":
			lines = []string{fmt.Sprintf("want %s, got %s", orNone(cut(d.Want, 500)), orNone(cut(d.Got, 500)))}
		case len(lines) == 0:
			lines = []string{fmt.Sprintf("the same values in another order: want %s, got %s", cut(d.Want, 200), cut(d.Got, 200))}
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
