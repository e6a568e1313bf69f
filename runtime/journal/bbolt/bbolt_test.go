package bbolt

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roomy keeps the suite independent of how full the disk is.
var roomy = Limits{MinFree: 1}

func TestSuite(t *testing.T) {
	journaltest.Run(t, journaltest.Engine{
		At: func(dir string, maxPending int) journal.Journal {
			l := roomy
			l.MaxPending = maxPending
			return New(filepath.Join(dir, "sub", "journal.db"), l, 0)
		},
		Bounded: func(dir string, bytes int64) journal.Journal {
			l := roomy
			l.MaxBytes = bytes
			return New(filepath.Join(dir, "sub", "journal.db"), l, 0)
		},
		Durability: journal.Disk,
	})
}
