package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

func applyCommand() *cobra.Command {
	return serverFlags(leaf("apply <file or dir>...", "Puts workflows into the running server's store",
		`Validates each document on the server and stores it; it serves at once. From directories all
*.json files are taken. A document without an id gets its file's name. A webhook.secret in a
document is moved to the workflow's secret and is not stored in the document.

Nothing is stored of a document that does not validate; the others are. The exit status is then 1.`,
		cobra.MinimumNArgs(1), apply))
}

// applied is what the server says of a stored document.
type applied struct {
	File        string    `json:"file"`
	ID          string    `json:"id,omitempty"`
	Revision    int64     `json:"revision,omitempty"`
	SecretMoved bool      `json:"secretMoved,omitempty"`
	PrepareFuel uint64    `json:"prepareFuel,omitempty"`
	Error       string    `json:"error,omitempty"`
	Problems    []problem `json:"problems,omitempty"`
}

func apply(cmd *cobra.Command, args []string) error {
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	files := documents(args)
	results := make([]applied, 0, len(files))
	failed := 0
	for _, f := range files {
		r, err := applyFile(cmd, cl, f)
		if err != nil {
			return err
		}
		if r.Error != "" {
			failed++
		}
		results = append(results, r)
		if !flag(cmd, "json") {
			printApplied(cmd, r)
		}
	}
	if flag(cmd, "json") {
		if err := printJSON(cmd.OutOrStdout(), results); err != nil {
			return err
		}
	}
	if failed > 0 {
		return errSilent
	}
	return nil
}

func applyFile(cmd *cobra.Command, cl *client, f file) (applied, error) {
	r := applied{File: f.name}
	doc, err := f.read()
	if err != nil {
		r.Error = err.Error()
		// the error of one file is part of the result; the others go on
		return r, nil //nolint:nilerr
	}
	path, err := resource("workflows", documentID(f.name, doc))
	if err != nil {
		r.Error = err.Error()
		return r, nil //nolint:nilerr // as above
	}
	answer, err := cl.do(cmd.Context(), http.MethodPut, path, doc)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		r.Error, r.Problems = refused.Error(), refused.Problems
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return r, fmt.Errorf("reading the server's answer: %w", err)
	}
	return r, nil
}

func printApplied(cmd *cobra.Command, r applied) {
	switch {
	case len(r.Problems) > 0:
		printProblems(cmd.ErrOrStderr(), r.File, r.Problems)
	case r.Error != "":
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", paint(cmd.ErrOrStderr(), red, r.File), r.Error)
	default:
		w := cmd.OutOrStdout()
		note := ""
		if r.SecretMoved {
			note = ", its secret moved out of the document"
		}
		fmt.Fprintf(w, "%s %s (revision %d%s)\n", paint(w, green, "applied"), r.ID, r.Revision, note)
	}
}

// workflow is one row of the server's list.
type workflow struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Active   bool      `json:"active"`
	Trigger  string    `json:"trigger"`
	Mode     string    `json:"mode"`
	Revision int64     `json:"revision"`
	Serving  int64     `json:"serving"`
	State    string    `json:"state"`
	Secrets  int       `json:"secrets"`
	Problems []problem `json:"problems"`
	Warnings []problem `json:"warnings"`

	SecretProblem string `json:"secretProblem"`
}

func listCommand() *cobra.Command {
	return serverFlags(leaf("list", "Lists the workflows of the running server", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		cl, err := newClient(cmd)
		if err != nil {
			return err
		}
		if flag(cmd, "json") {
			return passOn(cmd, cl, "workflows")
		}
		var answer struct{ Workflows []workflow }
		if err := cl.get(cmd.Context(), "workflows", &answer); err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if len(answer.Workflows) == 0 {
			fmt.Fprintln(w, "no workflows yet: add one with `caddy flowtrux apply <file>`")
			return nil
		}
		rows := make([][]cell, 0, len(answer.Workflows))
		for _, f := range answer.Workflows {
			rows = append(rows, []cell{c(f.ID), state(f), c(dash(f.Trigger)), c(dash(f.Mode)), secrets(f), c(fmt.Sprint(f.Revision)), c(f.Name)})
		}
		table(w, []string{"ID", "STATE", "TRIGGER", "MODE", "SECRETS", "REVISION", "NAME"}, rows)
		for _, f := range answer.Workflows {
			printProblems(w, f.ID, f.Problems)
			printProblems(w, f.ID, f.Warnings)
			if f.SecretProblem != "" {
				printProblems(w, "secrets/"+f.ID, []problem{{Reason: f.SecretProblem}})
			}
		}
		return nil
	}))
}

func state(f workflow) cell {
	switch {
	case f.State == "preparing" && f.Serving > 0:
		return cell{fmt.Sprintf("preparing (serving %d)", f.Serving), yellow}
	case f.State == "preparing":
		return cell{f.State, yellow}
	case f.State == "invalid":
		return cell{"invalid", red}
	case f.State == "stale":
		return cell{fmt.Sprintf("stale (serving %d)", f.Serving), yellow}
	case !f.Active:
		return cell{"inactive", dim}
	}
	return cell{f.State, green}
}

func secrets(f workflow) cell {
	switch {
	case f.SecretProblem != "" && f.Secrets == 0:
		return cell{"none", red}
	case f.Secrets == 0:
		return cell{"none", dim}
	}
	return c(fmt.Sprint(f.Secrets))
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func getCommand() *cobra.Command {
	return serverFlags(leaf("get <id>", "Prints a workflow's document", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		cl, err := newClient(cmd)
		if err != nil {
			return err
		}
		return passOnNamed(cmd, cl, "workflows", args[0])
	}))
}

func deleteCommand() *cobra.Command {
	return serverFlags(leaf("delete <id>", "Deletes a workflow and its secret", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		return remove(cmd, "workflows", args[0])
	}))
}

// remove deletes one thing and says so.
func remove(cmd *cobra.Command, kind, id string) error {
	path, err := resource(kind, id)
	if err != nil {
		return err
	}
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	answer, err := cl.do(cmd.Context(), http.MethodDelete, path, nil)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if flag(cmd, "json") {
		_, err = w.Write(answer)
		return err
	}
	fmt.Fprintf(w, "%s %s\n", paint(w, green, "deleted"), id)
	return nil
}

// passOnNamed prints the server's answer about what has a name.
func passOnNamed(cmd *cobra.Command, cl *client, kind, name string) error {
	path, err := resource(kind, name)
	if err != nil {
		return err
	}
	return passOn(cmd, cl, path)
}

// passOn prints the server's answer as it is.
func passOn(cmd *cobra.Command, cl *client, path string) error {
	answer, err := cl.do(cmd.Context(), http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if _, err := w.Write(answer); err != nil || (len(answer) > 0 && answer[len(answer)-1] == '\n') {
		return err
	}
	_, err = fmt.Fprintln(w)
	return err
}
