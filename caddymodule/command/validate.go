package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/flow"
)

func validateCommand() *cobra.Command {
	return nodeFlag(jsonFlag(leaf("validate <file or dir>...", "Checks workflow documents without a server",
		`Prints file, JSON path and reason of all that is wrong; the exit status is then 1. Of what is valid it
prints the fuel that preparing its nodes takes.`,
		cobra.MinimumNArgs(1), validate)))
}

func validate(cmd *cobra.Command, args []string) error {
	files := documents(args)
	d, err := openDesk(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	defer d.close(cmd.Context())

	type result struct {
		File     string    `json:"file"`
		ID       string    `json:"id,omitempty"`
		Valid    bool      `json:"valid"`
		Problems []problem `json:"problems,omitempty"`

		// burnt to prepare the nodes, of at most flow.MaxPrepareFuel
		PrepareFuel uint64 `json:"prepareFuel"`
	}
	results := make([]result, 0, len(files))
	invalid := 0
	for _, f := range files {
		program, problems, err := d.compile(cmd.Context(), f, true)
		if err != nil {
			problems = []problem{{Reason: err.Error()}}
		}
		r := result{File: f.name, Valid: len(problems) == 0, Problems: problems}
		if r.Valid {
			r.ID, r.PrepareFuel = program.Plan.ID, program.Plan.PrepareFuel
		} else {
			invalid++
		}
		results = append(results, r)
		if flag(cmd, "json") {
			continue
		}
		printProblems(cmd.ErrOrStderr(), f.name, problems)
		if w := cmd.OutOrStdout(); r.Valid {
			note := ""
			if r.PrepareFuel > 0 {
				note = fmt.Sprintf(", prepared with %d of %d units of fuel", r.PrepareFuel, uint64(flow.MaxPrepareFuel))
			}
			fmt.Fprintf(w, "%s %s: workflow %s, %s%s\n", paint(w, green, "valid"), f.name, r.ID, plural(len(program.Plan.Nodes), "node"), note)
		}
	}
	if flag(cmd, "json") {
		if err := printJSON(cmd.OutOrStdout(), results); err != nil {
			return err
		}
	}
	if invalid > 0 {
		return errSilent
	}
	return nil
}
