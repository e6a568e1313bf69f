// Package command implements `caddy flowtrux ...`, the commands of workflow authors and operators.
//
// Commands that change or read a running server use Caddy's admin endpoint (package adminapi). The
// others work in this process, with no server. The package knows nothing of the Caddy app.
package command

import (
	"errors"
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// Groups of commands in the help of `caddy flowtrux`.
const (
	groupServer  = "server"
	groupOffline = "offline"
)

// Flowtrux returns the command to register with caddycmd.RegisterCommand. warm does what `warm`
// prints, journalOf makes the journal of a config, and fleetOf asks its store for the fleet.
func Flowtrux(warm Warm, journalOf JournalOf, fleetOf FleetOf) caddycmd.Command {
	return caddycmd.Command{
		Name:  "flowtrux",
		Usage: "<command>",
		Short: "Manages and tests webhook workflows (FlowTrux Edge)",
		Long: `
Manages the workflows, secrets and global values of a running server, and tests
workflows and node modules without one.

Commands for a running server use Caddy's admin endpoint.`,
		CobraFunc: func(root *cobra.Command) {
			root.AddGroup(
				&cobra.Group{ID: groupServer, Title: "Commands for a running server:"},
				&cobra.Group{ID: groupOffline, Title: "Commands that need no server:"},
			)
			addSubcommands(root,
				inGroup(groupServer,
					applyCommand(), listCommand(), getCommand(), deleteCommand(), secretCommand(), globalCommand(),
					executionsCommand(), statusCommand(), nodesCommand(), consoleCommand()),
				inGroup(groupOffline,
					nodeCommand(), validateCommand(), runCommand(), signCommand(), sendCommand(), warmCommand(warm), journalCommand(journalOf, fleetOf), versionCommand()))
		},
	}
}

func inGroup(id string, commands ...*cobra.Command) []*cobra.Command {
	for _, cmd := range commands {
		cmd.GroupID = id
	}
	return commands
}

// errSilent ends a command whose output already describes the failure: the exit status is 1 and
// nothing more is printed.
var errSilent = errors.New("failed")

// exitWith returns the error that makes Caddy exit with a status, for a command whose output
// already describes the failure.
func exitWith(cmd *cobra.Command, status int) error {
	cmd.SilenceErrors = true
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status, nil })(cmd, nil)
}

// newCommand returns a command without subcommands. Errors of args show the usage line; errors of
// run do not.
func newCommand(use, short, long string, args cobra.PositionalArgs, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: func(cmd *cobra.Command, given []string) error {
			if err := args(cmd, given); err != nil {
				return fmt.Errorf("%w; usage: %s", err, cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			// The command line is valid from here on.
			cmd.SilenceUsage = true
			err := run(cmd, args)
			if errors.Is(err, errSilent) {
				cmd.SilenceErrors = true
			}
			return err
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
}
