package command

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/flow"
)

type validateOptions struct {
	outputOptions
	nodeTypeOptions
}

func validateCommand() *cobra.Command {
	o := new(validateOptions)
	cmd := newCommand("validate <file or dir>...", "Checks workflow documents without a server",
		`Checks workflow documents, with the same checks that a server makes before it stores one.

For each mistake it prints file, line, column, JSON path and reason, and the exit status is 1. For a valid
document it prints the fuel that preparing its nodes takes. A directory stands for the *.json
files in it.`, cobra.MinimumNArgs(1), o.run)
	o.outputOptions.addFlags(cmd)
	o.nodeTypeOptions.addFlags(cmd)
	cmd.ValidArgsFunction = completeFiles("json")
	return cmd
}

// validation is the result for a document.
type validation struct {
	File     string             `json:"file"`
	ID       string             `json:"id,omitempty"`
	Valid    bool               `json:"valid"`
	Problems []adminapi.Problem `json:"problems,omitempty"`

	// PrepareFuel is the fuel used to prepare the nodes, at most flow.MaxPrepareFuel.
	PrepareFuel uint64 `json:"prepareFuel"`

	nodes int
}

func (o *validateOptions) run(cmd *cobra.Command, args []string) error {
	files := documents(args)
	local, err := o.open(cmd.Context())
	if err != nil {
		return err
	}
	defer local.close(cmd.Context())

	results := make([]validation, 0, len(files))
	invalid := false
	for _, f := range files {
		program, problems, err := local.compile(cmd.Context(), f, true)
		if err != nil {
			problems = []adminapi.Problem{{Reason: err.Error()}}
		}
		v := validation{File: f.name, Valid: len(problems) == 0, Problems: problems}
		if v.Valid {
			v.ID, v.PrepareFuel, v.nodes = program.Plan.ID, program.Plan.PrepareFuel, len(program.Plan.Nodes)
		}
		invalid = invalid || !v.Valid
		if results = append(results, v); !o.json {
			printProblems(cmd.ErrOrStderr(), f.name, problems)
			v.print(cmd.OutOrStdout())
		}
	}
	if o.json {
		if err := printJSON(cmd.OutOrStdout(), results); err != nil {
			return err
		}
	}
	if invalid {
		return errSilent
	}
	return nil
}

// print writes a line for a valid document.
func (v *validation) print(w io.Writer) {
	if !v.Valid {
		return
	}
	fuel := ""
	if v.PrepareFuel > 0 {
		fuel = fmt.Sprintf(", prepared with %d of %d units of fuel", v.PrepareFuel, uint64(flow.MaxPrepareFuel))
	}
	fmt.Fprintf(w, "%s %s: workflow %s, %s%s\n", paint(w, green, "valid"), v.File, v.ID, plural(v.nodes, "node"), fuel)
}
