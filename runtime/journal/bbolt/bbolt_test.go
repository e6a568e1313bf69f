package bbolt_test

import (
	"path/filepath"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
	"github.com/flowtrux/edge/runtime/journal/journaltest"
)

func TestSuite(t *testing.T) {
	open := func(dir string, l bbolt.Limits) journal.Journal {
		l.MinFree = 1 // independent of the free space on the disk
		return bbolt.New(filepath.Join(dir, "sub", "journal.db"), l, 0)
	}
	journaltest.Run(t, journaltest.Engine{
		At: func(dir string, maxPending int) journal.Journal {
			return open(dir, bbolt.Limits{MaxPending: maxPending})
		},
		Bounded: func(dir string, bytes int64) journal.Journal {
			return open(dir, bbolt.Limits{MaxBytes: bytes})
		},
		Durability: journal.Disk,
	})
}
