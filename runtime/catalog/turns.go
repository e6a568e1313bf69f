package catalog

import (
	"context"
	"runtime"
	"time"
)

// Tasks take turns, and those that have used the least time go first. A task that is not settled in
// its turn is stopped. It starts again at the next level, with a turn that is longer by the factor
// longer. The nodes that it has prepared stay prepared. So a short task never waits for tasks that
// take seconds, however many there are. The repeated work is a fraction of the whole.
//
// A turn is not a limit: a task that needs more gets more. Its limit is fuel.
const (
	firstTurn = 10 * time.Millisecond
	longer    = 4
	lastLevel = 8
	// firstSlow is the first level at which only half of the goroutines work, so that the others
	// are free soon at any time. A task that prepares a node in each turn stays below it. A turn at
	// this level or above ends when a shorter one is due.
	firstSlow = 3
)

// turnOf returns the length of a turn at a level.
func turnOf(level int) time.Duration {
	d := firstTurn
	for range level {
		d *= longer
	}
	return d
}

// turns holds the queues of tasks and counts the goroutines at work. The catalog's lock guards it.
type turns struct {
	queues  [lastLevel + 1][]*task
	workers int // goroutines
	// ends the turn of each task at a level from firstSlow on
	slow map[*task]context.CancelFunc
}

// maxSlow returns the maximum number of simultaneous turns at slow levels.
func maxSlow() int { return maxWorkers() / 2 }

// maxWorkers returns the number of goroutines that prepare.
func maxWorkers() int { return max(2, runtime.GOMAXPROCS(0)) }

// enqueue adds a task to the queue of its level. The caller holds the lock.
func (c *Catalog) enqueue(t *task) {
	t.level = min(t.level, lastLevel)
	q := &c.turns.queues[t.level]
	*q = append(*q, t)
	if t.level >= firstSlow {
		c.turns.makeWay(t.level)
	}
	if c.turns.workers < maxWorkers() {
		c.turns.workers++
		c.work.Go(c.prepare)
	}
}

// makeWay ends the longest turn if no place at a slow level is free. That task loses the work on
// its current node.
func (s *turns) makeWay(level int) {
	if len(s.slow) < maxSlow() {
		return
	}
	var last *task
	for t := range s.slow {
		if t.level > level && (last == nil || t.level > last.level) {
			last = t
		}
	}
	if last != nil {
		last.ousted = true
		s.slow[last]()
	}
}

// prepare runs turns until no task is due.
func (c *Catalog) prepare() {
	for {
		c.mu.Lock()
		t := c.turns.take()
		if t == nil {
			c.turns.workers--
			c.mu.Unlock()
			return
		}
		ctx, cancel := context.WithTimeout(t.ctx, turnOf(t.level))
		if t.level >= firstSlow {
			c.turns.slow[t] = cancel
		}
		c.mu.Unlock()
		c.turn(ctx, t)
		cancel()
	}
}

// take returns the next task, or nil. Tasks that were given up are skipped.
func (s *turns) take() *task {
	for level := range s.queues {
		if level >= firstSlow && len(s.slow) >= maxSlow() {
			return nil
		}
		for q := &s.queues[level]; len(*q) > 0; {
			t := (*q)[0]
			(*q)[0] = nil
			*q = (*q)[1:]
			if t.ctx.Err() == nil {
				return t
			}
		}
	}
	return nil
}
