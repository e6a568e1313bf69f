package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/move"
)

// JournalOf makes the journal of a Caddy config, given as JSON. It is not opened. name is for
// people and holds no secret. release is called when it is no longer used.
type JournalOf func(ctx context.Context, config []byte) (j journal.Journal, name string, release context.CancelFunc, err error)

// FleetOf returns the fleet of the machines that run with a Caddy config, given as JSON.
type FleetOf func(ctx context.Context, config []byte) (fleet string, err error)

func journalCommand(open JournalOf, fleet FleetOf) *cobra.Command {
	cmd := &cobra.Command{
		Use: "journal", Short: "Moves what a journal stores into another one, or gives a journal to another fleet",
		Long: `Moves executions that have not ended, idempotency keys and records from one journal into
another: on another machine, of another engine, or in a new file. Or gives a journal that several
machines share to another fleet of machines.

Each of the commands can be run again after it was interrupted, and then goes on. Nothing is lost,
and nothing runs twice.`,
	}
	addSubcommands(cmd, []*cobra.Command{
		journalExportCommand(open, fleet), journalImportCommand(open, fleet), journalReopenCommand(open, fleet), journalAdoptCommand(open, fleet),
	})
	return cmd
}

// journalOptions are the flags of the commands.
type journalOptions struct {
	outputOptions
	configOptions
	config  string
	without bool // for reopen: there is no file
	open    JournalOf
	fleet   FleetOf
}

// command adds the flags to one of the commands, which takes a file.
func (o *journalOptions) command(cmd *cobra.Command) *cobra.Command {
	o.outputOptions.addFlags(cmd)
	o.configOptions.addFlags(cmd)
	cmd.Flags().StringVar(&o.config, "config", "", "The `file` with the config of the server whose journal it is")
	complete(cmd, "config", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault))
	cmd.ValidArgsFunction = oneArg(cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault))
	return cmd
}

// configured is the journal of a config.
type configured struct {
	journal.Portable
	name    string
	release context.CancelFunc
	unowned error // why it is not known which fleet the config is of; nil = it is, or it has none
}

// journal makes the journal of the config. One that several machines share checks that it belongs
// to the fleet of the config.
func (o *journalOptions) journal(ctx context.Context) (c configured, err error) {
	if o.config == "" {
		return c, errors.New("name the config of the server with --config, such as --config /etc/caddy/Caddyfile")
	}
	config, err := o.readConfig(o.config)
	if err != nil {
		return c, err
	}
	j, name, release, err := o.open(ctx, config)
	if err != nil {
		return c, fmt.Errorf("%s: %w", o.config, err)
	}
	portable, ok := j.(journal.Portable)
	if ok {
		c = configured{Portable: portable, name: name, release: release}
		if sharing := journal.SharingOf(j); sharing != nil {
			var fleet string
			if fleet, c.unowned = o.fleet(ctx, config); c.unowned == nil {
				err = sharing.Belong(ctx, fleet)
			}
		}
		if err != nil {
			release()
		}
		return c, err
	}
	release()
	if j.Durability() == journal.Memory {
		return c, fmt.Errorf("%s: its journal is in the memory of the server: there is nothing to move, and no place for what is moved", o.config)
	}
	return c, fmt.Errorf("%s: the journal %s has no export and import", o.config, name)
}

// explain adds to an error of the journal what to do.
func explain(err error) error {
	switch {
	case errors.Is(err, journal.ErrInUse):
		return fmt.Errorf("%w: stop all servers with this journal, and run this again", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run this as the user that runs the server", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; use the config of the server, its user and its environment", err)
	case errors.Is(err, journal.ErrSealed):
		return fmt.Errorf("%w: import into another journal; or, if that export was not imported anywhere, take it back with \"journal reopen\"", err)
	case errors.Is(err, journal.ErrNotSealed):
		return fmt.Errorf("%w: there is nothing to take back", err)
	}
	return err
}

// warnUnowned tells that the journal may belong to another fleet.
func (c *configured) warnUnowned(cmd *cobra.Command) {
	if c.unowned != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "it is not checked whether the journal belongs to the fleet of the config: %v\n", c.unowned)
	}
}

// progress prints how far a command has come, at most once a second.
func progress(cmd *cobra.Command, quiet bool, what string) move.Progress {
	last := time.Now()
	return func(s move.State) {
		if quiet || time.Since(last) < time.Second {
			return
		}
		last = time.Now()
		fmt.Fprintf(cmd.ErrOrStderr(), "%s %s, %s\n", what, plural(s.All(), "item"), humanize.IBytes(uint64(s.Bytes)))
	}
}
