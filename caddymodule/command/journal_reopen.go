package command

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/move"
)

func journalReopenCommand(open JournalOf, fleet FleetOf) *cobra.Command {
	o := &journalOptions{open: open, fleet: fleet}
	cmd := o.command(newCommand("reopen <file> --config file", "Takes an export back, before it was imported",
		`Deletes the file of an export, and makes the journal usable again, as it was.

Never do this after an import has begun: the executions would run here as well.`, cobra.ExactArgs(1), o.runReopen))
	cmd.Flags().BoolVar(&o.without, "without-file", false, "The file is gone, and neither it nor a copy was or will be imported")
	return cmd
}

func (o *journalOptions) runReopen(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	file, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	j, err := o.journal(ctx)
	if err != nil {
		return err
	}
	defer j.release()
	j.warnUnowned(cmd)
	sealed, err := j.Seal(ctx, journal.Seal{})
	if err != nil {
		return explain(err)
	}
	found, err := move.Discard(file, sealed.Seal().Move)
	if err == nil && !found && !o.without {
		err = fmt.Errorf("there is no file %s. If neither it nor a copy was imported or ever will be, run this again with --without-file", file)
	}
	if err == nil {
		err = sealed.Unseal(ctx)
	}
	if err := errors.Join(err, sealed.Close()); err != nil {
		return err
	}
	if o.json {
		return printJSON(cmd.OutOrStdout(), struct {
			Move string `json:"move"`
		}{sealed.Seal().Move})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is usable again; %s must never be imported\n", j.name, sealed.Seal().Move)
	return nil
}
