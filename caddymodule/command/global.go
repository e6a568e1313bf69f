package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
)

func globalCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "global", Short: "Sets, lists and deletes global values ({{global.key}})"}
	return group(cmd,
		serverFlags(leaf("list", "Lists the global values; those of __secret keys are masked", "", cobra.NoArgs, listGlobals)),
		serverFlags(leaf("get <key>", "Prints a global value as JSON", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
			cl, err := newClient(cmd)
			if err != nil {
				return err
			}
			return passOnNamed(cmd, cl, "globals", args[0])
		})),
		serverFlags(leaf("set <key> [<value>]", "Sets a global value: JSON, or text that is not JSON",
			"Without a value it is read from standard input, which keeps secrets out of the shell's history.",
			cobra.RangeArgs(1, 2), setGlobal)),
		serverFlags(leaf("delete <key>", "Deletes a global value", "", cobra.ExactArgs(1),
			func(cmd *cobra.Command, args []string) error { return remove(cmd, "globals", args[0]) })),
	)
}

func listGlobals(cmd *cobra.Command, _ []string) error {
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	if flag(cmd, "json") {
		return passOn(cmd, cl, "globals")
	}
	var answer struct {
		Globals []struct {
			Key   string          `json:"key"`
			Value json.RawMessage `json:"value"`
		} `json:"globals"`
	}
	if err := cl.get(cmd.Context(), "globals", &answer); err != nil {
		return err
	}
	rows := make([][]cell, 0, len(answer.Globals))
	for _, g := range answer.Globals {
		var line bytes.Buffer // the answer is indented for people
		if err := json.Compact(&line, g.Value); err != nil {
			return fmt.Errorf("reading the server's answer: %w", err)
		}
		rows = append(rows, []cell{c(g.Key), c(cut(line.String(), 100))})
	}
	table(cmd.OutOrStdout(), []string{"KEY", "VALUE"}, rows)
	return nil
}

// cut shortens s to at most n runes.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

func setGlobal(cmd *cobra.Command, args []string) error {
	path, err := resource("globals", args[0])
	if err != nil {
		return err
	}
	var value []byte
	if len(args) == 2 {
		value = []byte(args[1])
	} else {
		b, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxDocument+1))
		if err != nil {
			return fmt.Errorf("reading the value: %w", err)
		}
		value = b
	}
	if len(value) > maxDocument {
		return fmt.Errorf("the value is over %d bytes", maxDocument)
	}
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	answer, err := cl.do(cmd.Context(), http.MethodPut, path, value)
	if err != nil {
		return err
	}
	hintText(cmd, value)
	w := cmd.OutOrStdout()
	if flag(cmd, "json") {
		_, err = w.Write(answer)
		return err
	}
	fmt.Fprintf(w, "%s %s\n", paint(w, green, "set"), args[0])
	return nil
}

// hintText tells on standard error of a value that was most likely meant to be JSON and is stored
// as text. It does not show the value: that may be a secret.
func hintText(cmd *cobra.Command, value []byte) {
	first := bytes.TrimLeft(value, " \t\r\n")
	if len(first) == 0 || first[0] != '{' && first[0] != '[' {
		return
	}
	if err := rawjson.Check(value, flow.MaxDepth); err != nil {
		w := cmd.ErrOrStderr()
		fmt.Fprintf(w, "%s the value begins like JSON and is none (%v), so it is a string\n", paint(w, yellow, "note:"), err)
	}
}
