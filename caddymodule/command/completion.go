package command

import (
	"context"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/nodes/sdk/languages"
	"github.com/flowtrux/edge/runtime/journal"
)

// completionTimeout is how long a completion waits for the server. Without a response there are no
// suggestions.
const completionTimeout = 500 * time.Millisecond

// completedExecutions is the number of executions that are suggested.
const completedExecutions = 50

// complete sets the completion of a flag.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // there is no such flag, or it has a completion
	}
}

// oneArg limits a completion to the first argument.
func oneArg(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(cmd, args, prefix)
	}
}

// completeFiles suggests files with an extension, and directories.
func completeFiles(extension string) cobra.CompletionFunc {
	return cobra.FixedCompletions([]cobra.Completion{extension}, cobra.ShellCompDirectiveFilterFileExt)
}

// completeLanguages suggests a language and then a directory.
func completeLanguages(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return languageNames(), cobra.ShellCompDirectiveNoFileComp
	case 1:
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// languageNames returns the languages in which a node can be written.
func languageNames() []string {
	var names []string
	for _, l := range languages.All() {
		names = append(names, l.Name)
	}
	return names
}

// completeNodeFlag suggests the files for <type>=<file.wasm>. Without a type it suggests those that
// files in the working directory are named after.
func completeNodeFlag(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	entries, err := os.ReadDir(".")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	typ, _, hasType := strings.Cut(prefix, "=")
	var list []cobra.Completion
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".wasm") {
			if !hasType {
				typ = typeOfFile(name)
			}
			list = append(list, typ+"="+name)
		}
	}
	return withPrefix(list, prefix), cobra.ShellCompDirectiveNoFileComp
}

// fromServer returns a completion with names from the server. It returns the names that were not
// given before.
func fromServer(o *serverOptions, names func(context.Context, *client) ([]cobra.Completion, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		cl, err := o.client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		parent := cmd.Context()
		if parent == nil {
			parent = context.Background()
		}
		ctx, cancel := context.WithTimeout(parent, completionTimeout)
		defer cancel()
		list, err := names(ctx, cl)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list = slices.DeleteFunc(list, func(c cobra.Completion) bool {
			name, _, _ := strings.Cut(c, "\t")
			return slices.Contains(args, name)
		})
		return withPrefix(list, prefix), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

func withPrefix(list []cobra.Completion, prefix string) []cobra.Completion {
	return slices.DeleteFunc(list, func(c cobra.Completion) bool { return !strings.HasPrefix(c, prefix) })
}

// described returns a suggestion with a description. Names and descriptions come from others, so
// control characters are removed.
func described(name, description string) cobra.Completion {
	return cobra.CompletionWithDesc(printable(name), printable(description))
}

// completeWorkflows suggests the ids of the server's workflows.
func completeWorkflows(o *serverOptions) cobra.CompletionFunc {
	return fromServer(o, func(ctx context.Context, cl *client) (list []cobra.Completion, _ error) {
		var all adminapi.Workflows
		err := cl.get(ctx, "workflows", &all)
		for _, w := range all.Workflows {
			list = append(list, described(w.ID, w.Name))
		}
		return list, err
	})
}

// completeGlobals suggests the keys of the server's global values.
func completeGlobals(o *serverOptions) cobra.CompletionFunc {
	return fromServer(o, func(ctx context.Context, cl *client) (list []cobra.Completion, _ error) {
		var all adminapi.Globals
		err := cl.get(ctx, "globals", &all)
		for _, g := range all.Globals {
			list = append(list, printable(g.Key))
		}
		return list, err
	})
}

// completeExecutions suggests the newest executions with one of the statuses, or with any.
func completeExecutions(o *serverOptions, statuses ...string) cobra.CompletionFunc {
	return fromServer(o, func(ctx context.Context, cl *client) (list []cobra.Completion, _ error) {
		var page adminapi.Executions
		q := url.Values{"limit": {strconv.Itoa(completedExecutions)}}
		err := cl.get(ctx, "executions?"+q.Encode(), &page)
		for _, e := range page.Executions {
			if len(statuses) == 0 || slices.Contains(statuses, e.Status) {
				list = append(list, described(e.ID, e.Workflow+", "+e.Status))
			}
		}
		return list, err
	})
}

// executionStatuses are the values of `executions list --status`.
var executionStatuses = journal.Statuses()
