package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
)

// JournalDump is the content of a journal's file.
type JournalDump struct {
	Status map[string]string   // of executions
	Steps  map[string][]string // checkpointed nodes of pending executions
}

// DumpJournal reads the file of a journal whose process has ended. It reads a copy below dir, so
// that the file stays as it is.
func DumpJournal(ctx context.Context, file, dir string) (d JournalDump, err error) {
	work, err := os.MkdirTemp(dir, "journal-")
	if err != nil {
		return d, err
	}
	defer os.RemoveAll(work)
	copied := filepath.Join(work, "journal.db")
	if err := copyFile(file, copied); err != nil {
		return d, fmt.Errorf("copying the journal: %w", err)
	}
	j := bbolt.New(copied, bbolt.Limits{MinFree: 1}, 0)
	if err := j.Open(ctx); err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	d = JournalDump{Status: make(map[string]string), Steps: make(map[string][]string)}
	for q := (journal.Query{Limit: journal.MaxLimit}); ; {
		page, err := j.List(ctx, q)
		if err != nil {
			return d, err
		}
		for _, row := range page.Rows {
			d.Status[row.ID] = row.Status
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	stats, err := j.Stats(ctx)
	if err != nil {
		return d, err
	}
	for range stats.Pending {
		l, err := j.Claim(ctx)
		if err != nil {
			return d, err
		}
		for _, s := range l.Entry().Steps {
			d.Steps[l.Entry().ID] = append(d.Steps[l.Entry().ID], s.Node)
		}
	}
	return d, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
