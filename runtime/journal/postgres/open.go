package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
)

// openTime bounds an attempt to begin: it may have to create or migrate the schema.
const openTime = 15 * time.Second

// Open connects, creates or migrates the schema, and announces this machine. It returns
// journal.ErrForeign for a schema of something else, of a newer version, of another fleet or that
// was altered by hand, ErrSealed for one that was exported, and ErrNoRight if the role lacks a
// right. If the database is away, Open
// succeeds. Then it is tried again in the background, and calls return journal.ErrUnavailable until
// it answers.
func (j *Journal) Open(ctx context.Context) (err error) {
	j.opening.Lock()
	defer j.opening.Unlock()
	switch {
	case j.closing():
		return journal.ErrClosed
	case j.opened.Load():
		return nil
	}
	if err := j.prepare(); err != nil {
		return err
	}
	err = j.tryToBegin(ctx)
	if err != nil && (errors.Is(ctx.Err(), context.Canceled) || !isAway(err)) {
		err = j.describe(err)
		j.disconnect()
		return err
	}
	background, stop := context.WithCancel(context.Background())
	j.stop = stop
	if err == nil {
		j.start(background)
	} else {
		j.note(err)
		j.work.Go(func() { j.beginLater(background) })
	}
	j.opened.Store(true)
	return nil
}

// prepare checks the options, and makes the pools of connections.
func (j *Journal) prepare() (err error) {
	if j.options, err = j.given.withDefaults(); err != nil {
		return err
	}
	if j.options.Fleet != "" {
		j.fleet.Store(&j.options.Fleet)
	}
	return j.connect()
}

// isAway reports whether an error may go away without a change of the configuration or the schema.
func isAway(err error) bool {
	return !errors.Is(err, journal.ErrForeign) && !errors.Is(err, journal.ErrSealed) && !errors.Is(err, ErrNoRight) && !errors.Is(err, errTooWeak)
}

// beginLater begins as soon as the database permits it.
func (j *Journal) beginLater(ctx context.Context) {
	pause := backoff.Exponential{First: 250 * time.Millisecond, Max: 5 * time.Second, Jitter: 0.3}
	for pause.Wait(ctx) == nil {
		err := j.tryToBegin(ctx)
		if err == nil {
			j.start(ctx)
			return
		}
		if ctx.Err() == nil {
			j.note(err)
		}
	}
}

// tryToBegin does what has to be done before anything else.
func (j *Journal) tryToBegin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	for _, step := range []func(context.Context) error{
		j.readClock, j.migrate, j.checkUnsealed, j.checkDurability, j.ensureThisHour, j.announce, j.readUsage, j.readCandidates,
	} {
		if err := step(ctx); err != nil {
			return j.explainRights(err)
		}
	}
	return nil
}

func (j *Journal) ensureThisHour(ctx context.Context) error {
	return j.ensureHour(ctx, hourAt(j.Now()))
}

// start starts what works in the background.
func (j *Journal) start(ctx context.Context) {
	j.fault.Store(nil)
	j.ready.Store(true)
	close(j.started)
	for _, work := range []func(context.Context){j.commitAll, j.maintain, j.poll, j.giveBackAll, j.saveCountsUntil} {
		j.work.Go(func() { work(ctx) })
	}
}

func (j *Journal) closing() bool {
	select {
	case <-j.quit:
		return true
	default:
		return false
	}
}

// closeTime is how long Close tries to hand back the claims.
const closeTime = 2 * time.Second

// Close ends claims and hands back what this machine holds. If the database is away, the machine's
// lease lapses instead.
func (j *Journal) Close() error {
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.closing() {
		return nil
	}
	j.mu.Lock()
	close(j.quit)
	j.mu.Unlock()
	if !j.opened.Load() {
		return nil
	}
	j.stop()
	j.work.Wait()
	j.mu.Lock()
	for t := range j.timers {
		t.Stop()
	}
	j.mu.Unlock()
	if j.ready.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		_ = j.saveCounts(ctx) // or they are lost, as in a crash
		// What is not handed back is taken over when the lease has lapsed.
		_ = j.endMachine(ctx, j.incarnation.Load(), handedBack)
	}
	j.disconnect()
	return nil
}
