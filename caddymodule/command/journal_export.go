package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/move"
)

func journalExportCommand(open JournalOf, fleet FleetOf) *cobra.Command {
	o := &journalOptions{open: open, fleet: fleet}
	return o.command(newCommand("export <file> --config file", "Writes the content of a journal to a file, and seals the journal",
		`Writes executions that have not ended, idempotency keys with their responses, and records to a
new file. Stop the server before, and all machines that share the journal.

The journal is sealed first: no server starts with it any more, because what is exported runs
elsewhere. It is not changed otherwise. Delete it when the import is complete. If you change your
mind before an import, use "journal reopen".

The file holds the events of senders. It is readable only by the user that runs this.`, cobra.ExactArgs(1), o.runExport))
}

func (o *journalOptions) runExport(cmd *cobra.Command, args []string) error {
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
	sealed, err := seal(ctx, j, file)
	if err != nil {
		return explain(err)
	}
	exported, err := move.Export(ctx, sealed, file, j.name, progress(cmd, o.json, "exported"))
	if err := errors.Join(err, sealed.Close()); err != nil {
		return fmt.Errorf("%w; the journal is sealed and complete: run this again to go on", err)
	}
	if o.json {
		return printJSON(cmd.OutOrStdout(), struct {
			Move    string      `json:"move"`
			File    string      `json:"file"`
			Bytes   int64       `json:"bytes"`
			Items   move.Counts `json:"items"`
			Already bool        `json:"already"`
		}{exported.Move, file, exported.Bytes, exported.Counts, exported.Already})
	}
	row := rowPrinter(cmd.OutOrStdout(), 10)
	row("journal", "%s, sealed as %s", j.name, exported.Move)
	note := ""
	switch {
	case exported.Already:
		note = ": it was complete before"
	case exported.Kept > 0:
		note = fmt.Sprintf(": %s were there from before", plural(exported.Kept, "item"))
	}
	row("file", "%s, %s%s", file, humanize.IBytes(uint64(exported.Bytes)), note)
	row("pending", "%s", plural(exported.Pending, "execution"))
	row("keys", "%d", exported.Keys)
	row("records", "%d", exported.Records)
	row("next", "caddy flowtrux journal import %s --config <config with the new journal>", file)
	return nil
}

// seal seals a journal that is exported for the first time, into a new file. Otherwise it opens the
// sealed one: a wrong file is no reason to seal a journal.
func seal(ctx context.Context, j journal.Portable, file string) (journal.Sealed, error) {
	s := journal.Seal{Move: "move-" + strings.ToLower(rand.Text()), At: time.Now().UTC().Truncate(time.Second)}
	used := ""
	for _, name := range []string{file, file + move.PartSuffix} {
		if _, err := os.Lstat(name); err == nil {
			used = name
		}
	}
	if used != "" {
		sealed, err := j.Seal(ctx, journal.Seal{})
		if errors.Is(err, journal.ErrNotSealed) {
			return nil, fmt.Errorf("%s exists, and is of something else: name another file", used)
		}
		return sealed, err
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory that exists", filepath.Dir(file))
	}
	return j.Seal(ctx, s)
}
