package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// group makes cmd a command that does something only with one of subs. Without a word it prints its
// help; a word that is none of them is an error, where cobra would print the help and exit with 0.
func group(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(subs...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return unknownCommand(c, args[0])
	}
	// Whose flag it would be is not known when the command is not: the word is what is wrong then.
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if words := c.Flags().Args(); c.HasSubCommands() && len(words) > 0 {
			return unknownCommand(c, words[0])
		}
		return err
	})
	return cmd
}

// unknownCommand names the commands that are spelled most like word, or else all.
func unknownCommand(c *cobra.Command, word string) error {
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(word); len(near) > 0 {
		return fmt.Errorf("unknown command %q for `%s`; did you mean %s?", word, c.CommandPath(), strings.Join(near, " or "))
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return fmt.Errorf("unknown command %q for `%s`; there are %s", word, c.CommandPath(), strings.Join(names, ", "))
}
