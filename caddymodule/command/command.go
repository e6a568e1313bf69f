// Package command is `caddy flowtrux …`: the commands that workflow authors and operators type.
// Those that change or read a running server talk to Caddy's admin endpoint; validate, run and sign
// work offline. It knows nothing of the app: what a running server does stands in package
// caddymodule.
package command

import (
	"errors"
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// AdminBase is the path below which the app answers on Caddy's admin endpoint.
const AdminBase = "/flowtrux/"

// Flowtrux is the command to register with caddycmd.RegisterCommand.
func Flowtrux() caddycmd.Command {
	return caddycmd.Command{
		Name:  "flowtrux",
		Usage: "<command>",
		Short: "Manages and tries out webhook workflows (FlowTrux Edge)",
		Long: `
Workflows, secrets and globals live in the store of a running server; these commands
reach it through Caddy's admin endpoint. validate, run, sign, send and node do without.`,
		CobraFunc: func(root *cobra.Command) {
			group(root,
				applyCommand(), listCommand(), getCommand(), deleteCommand(),
				secretCommand(), globalCommand(),
				executionsCommand(), statusCommand(), nodesCommand(), nodeCommand(),
				validateCommand(), runCommand(), signCommand(), sendCommand(),
			)
		},
	}
}

// errSilent ends a command whose output already says what is wrong: exit status 1, nothing more
// printed.
var errSilent = errors.New("failed")

// exitWith is the error that ends Caddy with an exit status, when the output already says what is
// wrong.
func exitWith(c *cobra.Command, status int) error {
	c.SilenceErrors = true
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status, nil })(c, nil)
}

// leaf makes a command. run gets the streams of the command, so that tests can give their own.
func leaf(use, short, long string, args cobra.PositionalArgs, run func(c *cobra.Command, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: func(c *cobra.Command, given []string) error {
			if err := args(c, given); err != nil {
				return fmt.Errorf("%w; usage: %s", err, c.UseLine())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			// From here on an error is about the work, not about how the command was typed.
			c.SilenceUsage = true
			err := run(c, args)
			if errors.Is(err, errSilent) {
				c.SilenceErrors = true
			}
			return err
		},
	}
}
