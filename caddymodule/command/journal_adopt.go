package command

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
)

// adoptOptions are the flags of `journal adopt`.
type adoptOptions struct {
	outputOptions
	configOptions
	inUse bool
	open  JournalOf
	fleet FleetOf
}

func journalAdoptCommand(open JournalOf, fleet FleetOf) *cobra.Command {
	o := &adoptOptions{open: open, fleet: fleet}
	cmd := newCommand("adopt <config>", "Gives a journal that belongs to another fleet to that of a config",
		`Gives the journal of a config, which several machines share, to the fleet of that config: the
machines that use its store. A journal belongs to one fleet, because its executions run the
workflows of one store. Use this when the fleet before is gone, or has got another store or prefix.

It is refused while machines use the journal for the fleet before. Stop them. If you cannot, such as
behind a broken network, --in-use ends them: what they work on goes to the machines of the new
fleet, and nodes without a checkpoint run again there. They reject what needs the journal from then
on.`, cobra.ExactArgs(1), o.run)
	o.outputOptions.addFlags(cmd)
	o.configOptions.addFlags(cmd)
	cmd.Flags().BoolVar(&o.inUse, "in-use", false, "Machines may use the journal for the fleet before, and are ended")
	cmd.ValidArgsFunction = oneArg(cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault))
	return cmd
}

func (o *adoptOptions) run(cmd *cobra.Command, args []string) error {
	ctx, file := cmd.Context(), args[0]
	config, err := o.readConfig(file)
	if err != nil {
		return err
	}
	j, _, release, err := o.open(ctx, config)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer release()
	owned, ok := j.(journal.Owned)
	if !ok {
		return fmt.Errorf("%s: its journal is of one machine, and belongs to no fleet", file)
	}
	fleet, err := o.fleet(ctx, config)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	t, err := owned.TakeOver(ctx, fleet, o.inUse)
	if err != nil {
		return explainAdopt(err, fleet)
	}
	return o.print(cmd, fleet, t)
}

func (o *adoptOptions) print(cmd *cobra.Command, fleet string, t journal.Takeover) error {
	already := t.Before == fleet
	if o.json {
		ended := t.Machines
		if ended == nil {
			ended = []string{}
		}
		return printJSON(cmd.OutOrStdout(), struct {
			Fleet   string   `json:"fleet"`
			Before  string   `json:"before"`
			Ended   []string `json:"ended"`
			Already bool     `json:"already"`
		}{fleet, t.Before, ended, already})
	}
	row := rowPrinter(cmd.OutOrStdout(), 8)
	note := ""
	if already {
		note = ": it had the journal before"
	}
	row("fleet", "%s%s", printable(fleet), note)
	if !already {
		before := "none"
		if t.Before != "" {
			before = printable(t.Before)
		}
		row("before", "%s", before)
	}
	for _, name := range t.Machines {
		row("ended", "%s", printable(name))
	}
	return nil
}

// explainAdopt adds to an error what to do.
func explainAdopt(err error, fleet string) error {
	switch {
	case errors.Is(err, journal.ErrInUse):
		return fmt.Errorf("%w; this config is of the fleet of %s; stop these machines, or run this again with --in-use", err, fleet)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is nothing to take over; a server makes it when it starts", err)
	}
	return err
}
