package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/move"
)

// JournalOf makes the journal of a Caddy config, given as JSON. It is not opened. key identifies
// it, without secrets. release is called when it is no longer used.
type JournalOf func(ctx context.Context, config []byte) (j journal.Journal, key string, release context.CancelFunc, err error)

func journalCommand(open JournalOf) *cobra.Command {
	cmd := &cobra.Command{
		Use: "journal", Short: "Moves what a journal stores into another one",
		Long: `Moves executions that have not ended, idempotency keys and records from one journal to
another: from a file on this machine to a database that several machines share, or back.

Each of the commands can be run again after it was interrupted, and then goes on. Nothing is lost,
and nothing runs twice.`,
	}
	addSubcommands(cmd, []*cobra.Command{journalExportCommand(open), journalImportCommand(open), journalReopenCommand(open)})
	return cmd
}

// journalOptions are the flags of the commands.
type journalOptions struct {
	outputOptions
	configOptions
	config  string
	without bool // for reopen: there is no file
	open    JournalOf
}

// command returns one of the commands, which takes a file.
func (o *journalOptions) command(name, short, long string, run func(cmd *cobra.Command, file string) error) *cobra.Command {
	cmd := newCommand(name+" <file> --config file", short, long, cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		file, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		return run(cmd, file)
	})
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
}

func (o *journalOptions) journal(ctx context.Context) (c configured, err error) {
	if o.config == "" {
		return c, errors.New("name the config of the server with --config, such as --config /etc/caddy/Caddyfile")
	}
	config, err := o.readConfig(o.config)
	if err != nil {
		return c, err
	}
	j, key, release, err := o.open(ctx, config)
	if err != nil {
		return c, fmt.Errorf("%s: %w", o.config, err)
	}
	portable, ok := j.(journal.Portable)
	if ok {
		return configured{portable, key, release}, nil
	}
	release()
	if j.Durability() == journal.Memory {
		return c, fmt.Errorf("%s: its journal is in the memory of the server: there is nothing to move, and no place for what is moved", o.config)
	}
	return c, fmt.Errorf("%s: the journal %s has no export and import", o.config, key)
}

// explain adds to an error of the journal what to do.
func explain(err error) error {
	switch {
	case errors.Is(err, journal.ErrInUse):
		return fmt.Errorf("%w: stop the server, and run this again", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run this as the user that runs the server", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; use the config of the server, its user and its environment", err)
	case errors.Is(err, journal.ErrNotSealed):
		return fmt.Errorf("%w: there is nothing to take back", err)
	}
	return err
}

func journalExportCommand(open JournalOf) *cobra.Command {
	o := &journalOptions{open: open}
	return o.command("export", "Writes the content of a journal to a file, and seals the journal",
		`Writes executions that have not ended, idempotency keys with their responses, and records to a
new file. Stop the server before.

The journal is sealed first: no server starts with it any more, because what is exported runs
elsewhere. It is not changed otherwise. Delete it when the import is complete. If you change your
mind before an import, use "journal reopen".

The file holds the events of senders. It is readable only by the user that runs this.`, o.runExport)
}

func (o *journalOptions) runExport(cmd *cobra.Command, file string) error {
	ctx := cmd.Context()
	j, err := o.journal(ctx)
	if err != nil {
		return err
	}
	defer j.release()
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

func journalImportCommand(open JournalOf) *cobra.Command {
	o := &journalOptions{open: open}
	return o.command("import", "Stores what was exported in a journal",
		`Reads and checks a file of "journal export", and stores what it holds in the journal of a
config. A journal in a file is made if there is none; stop its server before. Machines that share a
database may run: they begin with the executions at once.

The journal remembers how far it has come. When this is run again, it goes on, and when all is
imported, it does nothing.`, o.runImport)
}

func (o *journalOptions) runImport(cmd *cobra.Command, file string) error {
	ctx := cmd.Context()
	if _, err := move.MoveOf(file); err != nil { // before a journal is made
		return err
	}
	j, err := o.journal(ctx)
	if err != nil {
		return err
	}
	defer j.release()
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
	row("next", "start the server with this config; then delete the old journal and %s", file)
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

func journalReopenCommand(open JournalOf) *cobra.Command {
	o := &journalOptions{open: open}
	cmd := o.command("reopen", "Takes an export back, before it was imported",
		`Deletes the file of an export, and makes the journal usable again, as it was.

Never do this after an import has begun: the executions would run here as well.`, o.runReopen)
	cmd.Flags().BoolVar(&o.without, "without-file", false, "The file is gone, and neither it nor a copy was or will be imported")
	return cmd
}

func (o *journalOptions) runReopen(cmd *cobra.Command, file string) error {
	ctx := cmd.Context()
	j, err := o.journal(ctx)
	if err != nil {
		return err
	}
	defer j.release()
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
