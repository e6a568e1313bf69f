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

// Kept is what a journal's file holds.
type Kept struct {
	Status map[string]string   // of executions
	Steps  map[string][]string // nodes that were checkpointed, of executions that are pending
}

// ReadKept reads the file of a journal whose process has ended: of a copy below dir, so that the
// file stays as it is.
func ReadKept(ctx context.Context, file, dir string) (k Kept, err error) {
	work, err := os.MkdirTemp(dir, "kept-")
	if err != nil {
		return k, err
	}
	defer os.RemoveAll(work)
	copied := filepath.Join(work, "journal.db")
	if err := copyFile(file, copied); err != nil {
		return k, fmt.Errorf("copying the journal: %w", err)
	}
	j := bbolt.New(copied, bbolt.Limits{MinFree: 1}, 0)
	if err := j.Open(ctx); err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	k = Kept{Status: make(map[string]string), Steps: make(map[string][]string)}
	for q := (journal.Query{Limit: journal.MaxLimit}); ; {
		page, err := j.List(ctx, q)
		if err != nil {
			return k, err
		}
		for _, row := range page.Rows {
			k.Status[row.ID] = row.Status
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	stats, err := j.Stats(ctx)
	if err != nil {
		return k, err
	}
	for range stats.Pending {
		l, err := j.Claim(ctx)
		if err != nil {
			return k, err
		}
		for _, s := range l.Entry().Steps {
			k.Steps[l.Entry().ID] = append(k.Steps[l.Entry().ID], s.Node)
		}
	}
	return k, nil
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
