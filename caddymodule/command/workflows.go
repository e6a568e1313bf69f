package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

type applyOptions struct{ serverOptions }

func applyCommand() *cobra.Command {
	o := new(applyOptions)
	cmd := newCommand("apply <file or dir>...", "Stores workflows on the running server",
		`Validates documents on the server and stores them. A stored workflow serves at once.

A directory stands for the *.json files in it. A document without an id gets its file's name.
A webhook.secret in a document is stored as the workflow's secret, not in the document.

A document that does not validate is not stored; the others are. The exit status is then 1.`,
		cobra.MinimumNArgs(1), o.run)
	o.addFlags(cmd)
	cmd.ValidArgsFunction = completeFiles("json")
	return cmd
}

// applied is the result for a document.
type applied struct {
	File        string             `json:"file"`
	ID          string             `json:"id,omitempty"`
	Revision    int64              `json:"revision,omitempty"`
	SecretMoved bool               `json:"secretMoved,omitempty"`
	PrepareFuel uint64             `json:"prepareFuel,omitempty"`
	Error       string             `json:"error,omitempty"`
	Problems    []adminapi.Problem `json:"problems,omitempty"`
}

func (o *applyOptions) run(cmd *cobra.Command, args []string) error {
	cl, err := o.client()
	if err != nil {
		return err
	}
	files := documents(args)
	results := make([]applied, 0, len(files))
	failed := false
	for _, f := range files {
		a, err := applyFile(cmd, cl, f)
		if err != nil {
			return err
		}
		failed = failed || a.Error != ""
		if results = append(results, a); !o.json {
			a.print(cmd)
		}
	}
	if o.json {
		if err := printJSON(cmd.OutOrStdout(), results); err != nil {
			return err
		}
	}
	if failed {
		return errSilent
	}
	return nil
}

// applyFile stores one document. The error of a single file is part of the result, so that the
// others are still stored.
func applyFile(cmd *cobra.Command, cl *client, f file) (applied, error) {
	a := applied{File: f.name}
	doc, err := f.read()
	if err != nil {
		a.Error = err.Error()
		return a, nil //nolint:nilerr // part of the result
	}
	path, err := resource("workflows", documentID(f.name, doc))
	if err != nil {
		a.Error = err.Error()
		return a, nil //nolint:nilerr // part of the result
	}
	response, err := cl.do(cmd.Context(), http.MethodPut, path, doc)
	if rejected := (*apiError)(nil); errors.As(err, &rejected) {
		a.Error, a.Problems = rejected.Error(), rejected.body.Problems
		return a, nil
	}
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(response, &a); err != nil {
		return a, responseError(err)
	}
	return a, nil
}

func (a *applied) print(cmd *cobra.Command) {
	switch {
	case len(a.Problems) > 0:
		printProblems(cmd.ErrOrStderr(), a.File, a.Problems)
	case a.Error != "":
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", paint(cmd.ErrOrStderr(), red, a.File), a.Error)
	default:
		w := cmd.OutOrStdout()
		note := ""
		if a.SecretMoved {
			note = ", its secret stored apart from the document"
		}
		fmt.Fprintf(w, "%s %s (revision %d%s)\n", paint(w, green, "applied"), a.ID, a.Revision, note)
	}
}

func listCommand() *cobra.Command {
	o := new(serverOptions)
	cmd := newCommand("list", "Lists the workflows of the running server", "", cobra.NoArgs,
		func(cmd *cobra.Command, _ []string) error { return listWorkflows(cmd, o) })
	o.addFlags(cmd)
	return cmd
}

func listWorkflows(cmd *cobra.Command, o *serverOptions) error {
	cl, err := o.client()
	if err != nil {
		return err
	}
	if o.json {
		return printResponse(cmd, cl, "workflows")
	}
	var list adminapi.Workflows
	if err := cl.get(cmd.Context(), "workflows", &list); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if len(list.Workflows) == 0 {
		fmt.Fprintln(w, "no workflows yet: add one with `caddy flowtrux apply <file>`")
		return nil
	}
	printWorkflows(w, list.Workflows)
	return nil
}

func printWorkflows(w io.Writer, list []adminapi.Workflow) {
	rows := make([][]cell, 0, len(list))
	for _, f := range list {
		row := textCells(f.ID, "", orDash(f.Trigger), orDash(f.Mode), "", fmt.Sprint(f.Revision), f.Name)
		row[1], row[4] = stateCell(&f), secretsCell(&f)
		rows = append(rows, row)
	}
	table(w, []string{"ID", "STATE", "TRIGGER", "MODE", "SECRETS", "REVISION", "NAME"}, rows)
	for _, f := range list {
		printProblems(w, f.ID, f.Problems)
		printProblems(w, f.ID, f.Warnings)
		if f.SecretProblem != "" {
			printProblems(w, "secrets/"+f.ID, []adminapi.Problem{{Reason: f.SecretProblem}})
		}
	}
}

func stateCell(f *adminapi.Workflow) cell {
	switch {
	case f.State == adminapi.StatePreparing && f.Serving > 0:
		return cell{fmt.Sprintf("preparing (serving %d)", f.Serving), yellow}
	case f.State == adminapi.StatePreparing:
		return cell{f.State, yellow}
	case f.State == adminapi.StateInvalid:
		return cell{f.State, red}
	case f.State == adminapi.StateStale:
		return cell{fmt.Sprintf("stale (serving %d)", f.Serving), yellow}
	case !f.Active:
		return cell{"inactive", dim}
	}
	return cell{f.State, green}
}

func secretsCell(f *adminapi.Workflow) cell {
	switch {
	case f.SecretProblem != "" && f.Secrets == 0:
		return cell{"none", red}
	case f.Secrets == 0:
		return cell{"none", dim}
	}
	return textCell(fmt.Sprint(f.Secrets))
}

func getCommand() *cobra.Command {
	return getterCommand("get <id>", "Prints the document of a workflow", "workflows", completeWorkflows)
}

func deleteCommand() *cobra.Command {
	return deleterCommand("delete <id>", "Deletes a workflow and its secrets", "workflows", completeWorkflows)
}

// completer makes the completion of a command's argument, with the options of its server.
type completer func(*serverOptions) cobra.CompletionFunc

// getterCommand returns a command that prints the resource of a name.
func getterCommand(use, short, kind string, completion completer) *cobra.Command {
	return resourceCommand(use, short, kind, completion, func(cmd *cobra.Command, cl *client, path string, _ *serverOptions) error {
		return printResponse(cmd, cl, path)
	})
}

// deleterCommand returns a command that deletes the resource of a name.
func deleterCommand(use, short, kind string, completion completer) *cobra.Command {
	return resourceCommand(use, short, kind, completion, func(cmd *cobra.Command, cl *client, path string, o *serverOptions) error {
		response, err := cl.do(cmd.Context(), http.MethodDelete, path, nil)
		if err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if o.json {
			_, err = w.Write(response)
			return err
		}
		fmt.Fprintf(w, "%s %s\n", paint(w, green, "deleted"), cmd.Flags().Arg(0))
		return nil
	})
}

// resourceCommand returns a command whose argument is the name of a resource of the admin API, and
// that does something with the resource's path.
func resourceCommand(
	use, short, kind string, completion completer, run func(cmd *cobra.Command, cl *client, path string, o *serverOptions) error,
) *cobra.Command {
	o := new(serverOptions)
	cmd := newCommand(use, short, "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		path, err := resource(kind, args[0])
		if err != nil {
			return err
		}
		cl, err := o.client()
		if err != nil {
			return err
		}
		return run(cmd, cl, path, o)
	})
	o.addFlags(cmd)
	cmd.ValidArgsFunction = oneArg(completion(o))
	return cmd
}

// printResponse prints the server's response as it is, ending with a newline.
func printResponse(cmd *cobra.Command, cl *client, path string) error {
	response, err := cl.do(cmd.Context(), http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if _, err := w.Write(response); err != nil || (len(response) > 0 && response[len(response)-1] == '\n') {
		return err
	}
	_, err = fmt.Fprintln(w)
	return err
}
