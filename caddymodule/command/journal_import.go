package command

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/move"
)

func journalImportCommand(open JournalOf, fleet FleetOf) *cobra.Command {
	o := &journalOptions{open: open, fleet: fleet}
	return o.command(newCommand("import <file> --config file", "Stores what was exported in a journal",
		`Reads and checks a file of "journal export", and stores what it holds in the journal of a
config, which is made if there is none. Stop its server before. Machines that share the journal may
run: they begin at once with what is imported. Import a file into one journal only: what it holds
would run in each.

The journal remembers how far it has come. When this is run again, it goes on, and when all is
imported, it does nothing.`, cobra.ExactArgs(1), o.runImport))
}

func (o *journalOptions) runImport(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	file, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	if _, err := move.MoveOf(file); err != nil { // before a journal is made
		return explainImport(move.Imported{}, err)
	}
	j, err := o.journal(ctx)
	if err != nil {
		return err
	}
	defer j.release()
	if j.unowned != nil {
		return fmt.Errorf("%s: %w; an import needs it, to know whose journal this is", o.config, j.unowned)
	}
	if err := j.Open(ctx); err != nil {
		return errors.Join(explain(err), j.Close())
	}
	imported, err := move.Import(ctx, j, file, progress(cmd, o.json, "imported"))
	if err := errors.Join(err, j.Close()); err != nil {
		return explainImport(imported, err)
	}
	if o.json {
		return printJSON(cmd.OutOrStdout(), struct {
			Move    string           `json:"move"`
			From    string           `json:"from"`
			Items   move.Counts      `json:"items"`
			Taken   journal.Progress `json:"taken"`
			Already bool             `json:"already"`
		}{imported.Move, imported.From, imported.Counts, imported.Taken, imported.Already})
	}
	row := rowPrinter(cmd.OutOrStdout(), 10)
	note := ""
	if imported.Already {
		note = ": all of it was imported before"
	}
	row("journal", "%s", j.name)
	row("from", "%s, sealed as %s%s", imported.From, imported.Move, note)
	row("pending", "%s", taken(imported.Taken.Pending))
	row("keys", "%s", taken(imported.Taken.Keys))
	row("records", "%s", taken(imported.Taken.Records))
	next := "start the server with this config"
	if journal.SharingOf(j.Portable) != nil {
		next = "start the servers with this journal, or send traffic to those that run"
	}
	row("next", "%s; then delete the old journal and %s", next, file)
	return nil
}

// taken tells what was imported of one kind.
func taken(t journal.Taken) string {
	text := fmt.Sprintf("%d imported", t.Stored)
	if t.Present > 0 {
		text += fmt.Sprintf(", %d were there", t.Present)
	}
	if t.Expired > 0 {
		text += fmt.Sprintf(", %d have expired", t.Expired)
	}
	return text
}

// explainImport adds to an error what to do.
func explainImport(i move.Imported, err error) error {
	begun := "nothing was imported"
	if t := i.Taken; t.Place != "" {
		n := t.Keys.Stored + t.Records.Stored + t.Pending.Stored
		begun = plural(n, "item") + " imported so far stay"
	}
	switch {
	case errors.Is(err, move.ErrIncomplete):
		return fmt.Errorf("%w; %s: run the export again, which goes on, or copy the whole file", err, begun)
	case errors.Is(err, move.ErrDamaged):
		return fmt.Errorf("%w; %s: copy the file again, or export to another file: the journal it came from still has everything", err, begun)
	case errors.Is(err, journal.ErrFull):
		return fmt.Errorf("%w; %s: raise this limit in the config, and run this again to go on", err, begun)
	case errors.Is(err, move.ErrNotExport), errors.Is(err, move.ErrNewer), errors.Is(err, journal.ErrTooManyMoves):
		return err
	}
	return fmt.Errorf("%w; %s: run this again to go on", err, begun)
}
