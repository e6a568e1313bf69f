package command

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
)

const (
	// followEvery is how often a server is asked for new executions.
	followEvery = time.Second

	// followBack is how far behind the newest execution a look goes at least. One that a sender
	// waited for is recorded after it has ended, in its place by when it began.
	followBack = 30 * time.Second

	// followKept is how many executions are remembered, and more only where an older one has not
	// ended.
	followKept = 10 * journal.MaxLimit
)

// follower remembers what it has shown. Ids sort by when executions were accepted.
type follower struct {
	cmd     *cobra.Command
	cl      *client
	query   url.Values
	columns columns
	shown   map[string]string // status by id
	floor   string            // executions before it are not looked at
}

// followExecutions prints executions as they come, the oldest first, and each again when its status
// has changed, until the command is interrupted. It begins with the newest, as many as --limit
// says.
func followExecutions(cmd *cobra.Command, cl *client, q url.Values) error {
	if q.Has("cursor") {
		return errors.New("--follow begins with the newest executions: leave --cursor out")
	}
	f := &follower{cmd: cmd, cl: cl, query: q, shown: make(map[string]string)}
	f.columns = columns{w: cmd.OutOrStdout(), head: executionHead}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for first := true; ; first = false {
		rows, err := f.look(first)
		if err == nil {
			err = f.print(rows, first)
		}
		if err != nil {
			if cmd.Context().Err() != nil {
				return nil
			}
			return err
		}
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return nil
		}
	}
}

// look finds what is new, page by page: until nothing new is on one that reaches far enough back.
// The first look is at one page.
func (f *follower) look(first bool) (fresh []journal.Summary, err error) {
	q := maps.Clone(f.query)
	open := f.oldestOpen()
	there := make(map[string]bool)
	var newest, last journal.Summary
	for {
		var page Executions
		if err := f.cl.get(f.cmd.Context(), "executions?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		known := true
		for _, s := range page.Executions {
			if newest.ID == "" {
				newest = s
			}
			if last = s; s.ID < f.floor {
				break
			}
			there[s.ID] = true
			if f.shown[s.ID] != s.Status {
				fresh, known = append(fresh, s), false
			}
		}
		switch {
		case page.Next == "":
			f.forget(there, "")
			return fresh, nil
		case first:
			f.floor = last.ID
			return fresh, nil
		case last.ID < f.floor, known && last.ID < open && newest.AcceptedAt.Sub(last.AcceptedAt) > followBack:
			f.forget(there, last.ID)
			return fresh, nil
		}
		q.Set("cursor", page.Next)
		q.Set("limit", strconv.Itoa(journal.MaxLimit))
	}
}

// oldestOpen is the oldest execution shown that had not ended; "" would be before all others, so
// "~" is for none.
func (f *follower) oldestOpen() string {
	oldest := "~"
	for id, status := range f.shown {
		if status == journal.Pending || status == journal.Running {
			oldest = min(oldest, id)
		}
	}
	return oldest
}

// forget drops what a look that went back to an id has not found any more, and the oldest when they
// are too many.
func (f *follower) forget(there map[string]bool, back string) {
	ids := make([]string, 0, len(f.shown))
	for id := range f.shown {
		if id >= back && !there[id] {
			delete(f.shown, id)
		} else {
			ids = append(ids, id)
		}
	}
	if len(ids) <= followKept {
		return
	}
	slices.Sort(ids)
	f.floor = max(f.floor, min(ids[len(ids)-followKept], f.oldestOpen()))
	for _, id := range ids {
		if id < f.floor {
			delete(f.shown, id)
		}
	}
}

// print prints executions, the newest first as they come, from the end.
func (f *follower) print(list []journal.Summary, first bool) error {
	slices.Reverse(list)
	rows := make([][]cell, 0, len(list))
	for _, s := range list {
		f.shown[s.ID] = s.Status
		rows = append(rows, executionRow(s))
	}
	if flag(f.cmd, "json") {
		enc := json.NewEncoder(f.cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		for _, s := range list {
			if err := enc.Encode(s); err != nil {
				return err
			}
		}
		return nil
	}
	if first {
		// What comes later most likely fits in what is common.
		f.columns.fit(append(rows, executionRow(journal.Summary{
			ID: "exec-" + strings.Repeat("0", 26), Outcome: journal.Outcome{Status: journal.Succeeded},
		})))
		f.columns.title()
	}
	f.columns.fit(rows)
	f.columns.rows(rows)
	return nil
}
