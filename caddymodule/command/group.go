package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// addSubcommands makes cmd a command that only has subcommands. Without arguments it prints its
// help. An unknown subcommand is an error, where cobra would print the help and exit with 0.
func addSubcommands(cmd *cobra.Command, groups ...[]*cobra.Command) {
	for _, subcommands := range groups {
		cmd.AddCommand(subcommands...)
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknownCommand(cmd, args[0])
	}
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	// With an unknown subcommand its flags are unknown too: report the subcommand.
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
			return unknownCommand(cmd, words[0])
		}
		return err
	})
}

// unknownCommand returns the error for an unknown subcommand. It suggests the commands with the
// most similar names, or lists all of them.
func unknownCommand(cmd *cobra.Command, word string) error {
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		return fmt.Errorf("unknown command %q for `%s`; did you mean %s?", word, cmd.CommandPath(), strings.Join(near, " or "))
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return fmt.Errorf("unknown command %q for `%s`; available: %s", word, cmd.CommandPath(), strings.Join(names, ", "))
}
