package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// The clock of the database is that of all machines: it decides what is kept, what has expired and
// the order of lists, as new ids have its time. A machine reads it every few seconds, and counts on
// from there by its monotonic clock. What its own clock shows, and that it is set, changes nothing.

// reading of the clock of the database.
type clockReading struct {
	database time.Time
	at       time.Time // of this machine, with its monotonic clock
}

// maxDrift is how much the clock of a machine may differ before it is told as a warning. Below it,
// times that this machine has read are taken as they are.
const maxDrift = 2 * time.Second

// slowReading is from when on a reading is worse than counting on from the one before.
const slowReading = time.Second

// Now implements journal.Sharing.
func (j *Journal) Now() time.Time {
	if c := j.clock.Load(); c != nil {
		return c.database.Add(time.Since(c.at))
	}
	return j.wall()
}

// readClock reads the clock of the database.
func (j *Journal) readClock(ctx context.Context) error {
	var database time.Time
	sent := time.Now()
	if err := j.pool.QueryRow(ctx, "select clock_timestamp()").Scan(&database); err != nil {
		return err
	}
	if took := time.Since(sent); took < slowReading || j.clock.Load() == nil {
		j.clock.Store(&clockReading{database, sent.Add(took / 2)})
	}
	return nil
}

// drift is how much the clock of the database is ahead of that of this machine; 0 if they agree.
func (j *Journal) drift() time.Duration {
	if d := j.Now().Sub(j.wall()); d.Abs() > maxDrift {
		return d
	}
	return 0
}

// Warnings implements journal.Sharing.
func (j *Journal) Warnings() (all []string) {
	switch d := j.drift().Round(time.Second); {
	case d > 0:
		all = append(all, fmt.Sprintf("the clock of this machine is %s behind that of the database: see whether it is synchronized", d))
	case d < 0:
		all = append(all, fmt.Sprintf("the clock of this machine is %s ahead of that of the database: see whether it is synchronized", -d))
	}
	if w := j.evictionWarning(); w != "" {
		all = append(all, w)
	}
	if w := j.retained.Load(); w != nil {
		all = append(all, *w)
	}
	return all
}

var _ journal.Sharing = (*Journal)(nil)
