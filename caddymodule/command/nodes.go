package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

func nodesCommand() *cobra.Command {
	o := new(serverOptions)
	cmd := newCommand("nodes", "Lists the node types of the running server and their capabilities", "", cobra.NoArgs,
		func(cmd *cobra.Command, _ []string) error { return listNodes(cmd, o) })
	o.addFlags(cmd)
	return cmd
}

func listNodes(cmd *cobra.Command, o *serverOptions) error {
	cl, err := o.client()
	if err != nil {
		return err
	}
	if o.json {
		return printResponse(cmd, cl, "nodes")
	}
	var list adminapi.NodeTypes
	if err := cl.get(cmd.Context(), "nodes", &list); err != nil {
		return err
	}
	rows := make([][]cell, 0, len(list.Nodes))
	for _, n := range list.Nodes {
		may := "nothing"
		if len(n.Capabilities) > 0 {
			may = strings.Join(n.Capabilities, " ")
		}
		row := textCells(n.Type, orDash(n.Version), n.Source, may, n.Summary)
		if len(n.Slow) > 0 {
			row[4] = cell{printable("slow: " + strings.Join(n.Slow, ", ")), yellow}
		}
		rows = append(rows, row)
	}
	table(cmd.OutOrStdout(), []string{"TYPE", "VERSION", "SOURCE", "MAY USE", "SUMMARY"}, rows)
	return nil
}
