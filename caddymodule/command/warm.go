package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

// Warm loads the node types of a Caddy config, given as JSON, into the cache of compiled code that
// a server with this config uses. It calls done for each file, one at a time. The error is that of
// a config that cannot be used at all.
type Warm func(ctx context.Context, config []byte, done func(Warmed)) (cache string, err error)

// Warmed is the result of loading the file of a node type or of several.
type Warmed struct {
	Source   string        `json:"source"`
	Types    []string      `json:"types"`
	Size     int           `json:"size"`     // bytes
	Compiled bool          `json:"compiled"` // false = its code was in the cache
	Took     time.Duration `json:"nanoseconds"`
	Error    string        `json:"error,omitempty"`
}

type warmOptions struct {
	outputOptions
	configOptions
	warm Warm
}

func warmCommand(warm Warm) *cobra.Command {
	o := &warmOptions{warm: warm}
	cmd := newCommand("warm <config> [--adapter name]", "Compiles the node modules of a config ahead of a start",
		`Compiles all node modules that a server with this config may run, its own and the built-in
ones, and stores their code where the server looks for it. The server's first start is then as fast
as any other. Use it when you build a container image, and before an upgrade with the new binary.

Run it as the user that runs the server, with the same environment: Caddy's data directory depends
on both. Modules at URLs are fetched, and stored as well. It starts no server and opens neither
store nor journal, so a server may be running.

The exit status is 1 if a module cannot be used. A server would then reject the config.`,
		cobra.ExactArgs(1), o.run)
	o.outputOptions.addFlags(cmd)
	o.configOptions.addFlags(cmd)
	cmd.ValidArgsFunction = oneArg(cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault))
	return cmd
}

// warmResult is the whole result.
type warmResult struct {
	Cache    string   `json:"cache"`    // directory
	Compiled int      `json:"compiled"` // modules
	Modules  []Warmed `json:"modules"`
}

func (o *warmOptions) run(cmd *cobra.Command, args []string) error {
	config, err := o.readConfig(args[0])
	if err != nil {
		return err
	}
	began := time.Now()
	r := warmResult{Modules: []Warmed{}}
	failed := false
	r.Cache, err = o.warm(cmd.Context(), config, func(w Warmed) {
		failed = failed || w.Error != ""
		if w.Compiled {
			r.Compiled++
		}
		r.Modules = append(r.Modules, w)
	})
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run this as the user that runs the server", err)
	case err != nil:
		return err
	}
	took := time.Since(began)
	slices.SortFunc(r.Modules, func(a, b Warmed) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), slices.Compare(a.Types, b.Types))
	})
	if o.json {
		if err := printJSON(cmd.OutOrStdout(), r); err != nil {
			return err
		}
	} else {
		r.print(cmd, took)
	}
	if failed {
		return errSilent
	}
	return nil
}

// print writes the result for people: the modules on standard output, and what is wrong on standard
// error.
func (r *warmResult) print(cmd *cobra.Command, took time.Duration) {
	w := cmd.OutOrStdout()
	var rows [][]cell
	cached := 0
	for _, m := range r.Modules {
		state := cell{"compiled", green}
		size, duration := humanize.IBytes(uint64(m.Size)), m.Took.Round(time.Millisecond).String()
		switch {
		case m.Error != "":
			state, size, duration = cell{"failed", red}, "", ""
			e := cmd.ErrOrStderr()
			// The types of a file are not known if it cannot be loaded.
			what := cmp.Or(strings.Join(m.Types, ", "), m.Source)
			fmt.Fprintf(e, "%s %s: %s\n", paint(e, red, "failed"), what, printable(m.Error))
		case !m.Compiled:
			state, cached = cell{"in the cache", plain}, cached+1
		}
		row := textCells(m.Source, strings.Join(m.Types, ", "), size, duration)
		rows = append(rows, slices.Insert(row, 3, state))
	}
	table(w, []string{"MODULE", "NODE TYPES", "SIZE", "CODE", "TIME"}, rows)
	failed := ""
	if n := len(r.Modules) - r.Compiled - cached; n > 0 {
		failed = fmt.Sprintf(", %d failed: a server would reject this config", n)
	}
	fmt.Fprintf(w, "\n%s in %s: %d compiled, %d in the cache before%s\n",
		plural(len(r.Modules), "module"), took.Round(time.Millisecond), r.Compiled, cached, failed)
	fmt.Fprintf(w, "cache: %s\n", r.Cache)
}
