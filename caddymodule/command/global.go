package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
)

func globalCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "global", Short: "Lists, shows, sets and deletes global values ({{global.key}})"}
	addSubcommands(cmd, []*cobra.Command{
		globalListCommand(),
		getterCommand("get <key>", "Prints a global value as JSON", "globals", completeGlobals),
		globalSetCommand(),
		deleterCommand("delete <key>", "Deletes a global value", "globals", completeGlobals),
	})
	return cmd
}

func globalListCommand() *cobra.Command {
	o := new(serverOptions)
	cmd := newCommand("list", "Lists the global values",
		"Lists the global values. Values of __secret keys are masked.", cobra.NoArgs,
		func(cmd *cobra.Command, _ []string) error { return listGlobals(cmd, o) })
	o.addFlags(cmd)
	return cmd
}

func listGlobals(cmd *cobra.Command, o *serverOptions) error {
	cl, err := o.client()
	if err != nil {
		return err
	}
	if o.json {
		return printResponse(cmd, cl, "globals")
	}
	var list adminapi.Globals
	if err := cl.get(cmd.Context(), "globals", &list); err != nil {
		return err
	}
	rows := make([][]cell, 0, len(list.Globals))
	for _, g := range list.Globals {
		var line bytes.Buffer // the response is indented
		if err := json.Compact(&line, g.Value); err != nil {
			return responseError(err)
		}
		rows = append(rows, textCells(g.Key, cut(line.String(), 100)))
	}
	table(cmd.OutOrStdout(), []string{"KEY", "VALUE"}, rows)
	return nil
}

func globalSetCommand() *cobra.Command {
	o := new(serverOptions)
	cmd := newCommand("set <key> [<value>]", "Sets a global value",
		`Sets a global value: JSON, or any other text, which becomes a string.

Without <value> it is read from standard input, which keeps secrets out of the shell's history.`,
		cobra.RangeArgs(1, 2), func(cmd *cobra.Command, args []string) error { return setGlobal(cmd, o, args) })
	o.addFlags(cmd)
	cmd.ValidArgsFunction = oneArg(completeGlobals(o))
	return cmd
}

func setGlobal(cmd *cobra.Command, o *serverOptions, args []string) error {
	path, err := resource("globals", args[0])
	if err != nil {
		return err
	}
	var value []byte
	if len(args) == 2 {
		value = []byte(args[1])
	} else if value, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxDocument+1)); err != nil {
		return fmt.Errorf("reading the value: %w", err)
	}
	if len(value) > maxDocument {
		return fmt.Errorf("the value is over %d bytes", maxDocument)
	}
	cl, err := o.client()
	if err != nil {
		return err
	}
	response, err := cl.do(cmd.Context(), http.MethodPut, path, value)
	if err != nil {
		return err
	}
	warnText(cmd, value)
	w := cmd.OutOrStdout()
	if o.json {
		_, err = w.Write(response)
		return err
	}
	fmt.Fprintf(w, "%s %s\n", paint(w, green, "set"), args[0])
	return nil
}

// warnText warns on standard error about a value that was probably meant to be JSON but is stored
// as a string. It does not show the value, which may be a secret.
func warnText(cmd *cobra.Command, value []byte) {
	start := bytes.TrimLeft(value, " \t\r\n")
	if len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return
	}
	if err := rawjson.Check(value, flow.MaxDepth); err != nil {
		w := cmd.ErrOrStderr()
		fmt.Fprintf(w, "%s the value looks like JSON but is invalid (%v), so it was stored as a string\n", paint(w, yellow, "warning:"), err)
	}
}
