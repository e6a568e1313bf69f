package catalog

import (
	"context"
	"runtime"
	"time"
)

// Tasks take turns, and those that have come the shortest way go first. One that does not come to
// an end in its turn is stopped and begins again at the next level, in a turn that is longer by
// longer; the nodes that it has prepared by then it keeps. So one that takes a moment never waits
// for those that take seconds, however many these are, and the work that is done twice is a part of
// the whole.
//
// A turn is no limit: a task that needs more gets more. What limits it is its fuel.
const (
	firstTurn = 10 * time.Millisecond
	longer    = 4
	lastLevel = 8
	// firstSlow is the first level that only half of the goroutines work at, so that the others are
	// free soon at any time. A task that prepares a node in each turn stays below it. A turn at it,
	// or above, ends when one that is shorter is due.
	firstSlow = 3
)

// turnOf is how long a turn at a level is.
func turnOf(level int) time.Duration {
	d := firstTurn
	for range level {
		d *= longer
	}
	return d
}

// turns are the tasks that wait for their turn, and who works. Guarded by the catalog's lock.
type turns struct {
	queues  [lastLevel + 1][]*task
	workers int // goroutines
	// that have their turns at a level from firstSlow on; ends the turn
	slow map[*task]context.CancelFunc
}

// maxSlow is how many tasks have their turns at a time at a level from firstSlow on.
func maxSlow() int { return maxWorkers() / 2 }

// maxWorkers is how many goroutines prepare.
func maxWorkers() int { return max(2, runtime.GOMAXPROCS(0)) }

// enqueue puts a task in line at its level. The lock is held.
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

// makeWay ends the longest turn when no place is free at a level that is slow. The task loses what
// it has done of a node in it.
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

// prepare gives tasks their turns until none waits that may have one.
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

// take takes the task whose turn it is, nil when there is none. Those that were given up are passed
// over.
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
