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

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

const (
	// followInterval is the time between two requests for new executions.
	followInterval = time.Second

	// followBack is the time before the newest execution that each poll covers. An execution that a
	// sender waited for is recorded when it has ended, but is listed by the time it began.
	followBack = 30 * time.Second

	// followMax is the number of executions that are remembered. It is exceeded only while an older
	// one has not ended.
	followMax = 10 * journal.MaxLimit
)

// follower polls for executions and remembers which ones it has shown. Ids sort by the time of
// acceptance.
type follower struct {
	cmd     *cobra.Command
	json    bool
	client  *client
	query   url.Values
	columns columns
	shown   map[string]string // status by id
	floor   string            // executions before it are ignored
}

// followExecutions prints executions as they come, the oldest first, and again when their status
// has changed, until the command is interrupted. It begins with the newest, as many as --limit
// says.
func (o *executionsListOptions) followExecutions(cmd *cobra.Command, cl *client) error {
	if o.filter.cursor != "" {
		return errors.New("--follow begins with the newest executions: leave out --cursor")
	}
	if o.filter.to != "" {
		return errors.New("--follow waits for new executions: leave out --to")
	}
	query, err := o.filter.query(time.Now())
	if err != nil {
		return err
	}
	f := &follower{cmd: cmd, json: o.json, client: cl, query: query, shown: make(map[string]string)}
	f.columns = columns{w: cmd.OutOrStdout(), head: executionHead}
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	for first := true; ; first = false {
		rows, err := f.poll(first)
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

// poll returns the new and changed executions. It requests pages until one that reaches far enough
// back has nothing new. The first poll requests one page.
func (f *follower) poll(first bool) (fresh []journal.Summary, err error) {
	q := maps.Clone(f.query)
	open := f.oldestOpen()
	there := make(map[string]bool)
	var newest, last journal.Summary
	for {
		var page adminapi.Executions
		if err := f.client.get(f.cmd.Context(), "executions?"+q.Encode(), &page); err != nil {
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

// oldestOpen returns the oldest execution shown that had not ended, or "~", which sorts after all
// ids.
func (f *follower) oldestOpen() string {
	oldest := "~"
	for id, status := range f.shown {
		if status == journal.Pending || status == journal.Running {
			oldest = min(oldest, id)
		}
	}
	return oldest
}

// forget removes executions that a poll back to an id has no longer found, and the oldest ones if
// there are too many.
func (f *follower) forget(there map[string]bool, back string) {
	ids := make([]string, 0, len(f.shown))
	for id := range f.shown {
		if id >= back && !there[id] {
			delete(f.shown, id)
		} else {
			ids = append(ids, id)
		}
	}
	if len(ids) <= followMax {
		return
	}
	slices.Sort(ids)
	f.floor = max(f.floor, min(ids[len(ids)-followMax], f.oldestOpen()))
	for _, id := range ids {
		if id < f.floor {
			delete(f.shown, id)
		}
	}
}

// print prints a list of executions, which is sorted newest first, from its end.
func (f *follower) print(list []journal.Summary, first bool) error {
	slices.Reverse(list)
	rows := make([][]cell, 0, len(list))
	for _, s := range list {
		f.shown[s.ID] = s.Status
		rows = append(rows, executionRow(s))
	}
	if f.json {
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
		// Columns that fit a typical execution most likely fit the later ones.
		f.columns.fit(append(rows, executionRow(journal.Summary{
			ID: "exec-" + strings.Repeat("0", 26), Outcome: journal.Outcome{Status: journal.Succeeded},
		})))
		f.columns.title()
	}
	f.columns.fit(rows)
	f.columns.rows(rows)
	return nil
}
