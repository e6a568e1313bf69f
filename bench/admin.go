package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// journalStatus is the journal part of a server's status.
type journalStatus struct {
	Pending, Running int
	NotRecorded      uint64
}

// get requests a path of the admin API and decodes the response.
func (v *server) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.admin+"/flowtrux/"+path, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: HTTP %d", req.URL, resp.StatusCode)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (v *server) journal(ctx context.Context) (journalStatus, error) {
	var status struct{ Journal journalStatus }
	err := v.get(ctx, "status", &status)
	return status.Journal, err
}

// drainWait limits the wait for accepted executions.
const drainWait = 5 * time.Minute

// drained waits until no execution is pending or running.
func (v *server) drained(ctx context.Context) error {
	for deadline := time.Now().Add(drainWait); ; {
		s, err := v.journal(ctx)
		switch {
		case err != nil:
			return err
		case s.Pending+s.Running == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("after %s, %d executions are still pending and %d running", drainWait, s.Pending, s.Running)
		}
		if err := rest(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// revisions returns the revision of each workflow.
func (v *server) revisions(ctx context.Context) (map[string]int64, error) {
	var list struct {
		Workflows []struct {
			ID       string
			Revision int64
		}
	}
	err := v.get(ctx, "workflows", &list)
	all := make(map[string]int64)
	for _, w := range list.Workflows {
		all[w.ID] = w.Revision
	}
	return all, err
}

// statuses counts the executions by status.
func (v *server) statuses(ctx context.Context) (map[string]int, error) {
	counts := make(map[string]int)
	for cursor := ""; ; {
		var page struct {
			Executions []journal.Summary
			Next       string
		}
		if err := v.get(ctx, fmt.Sprintf("executions?limit=%d&cursor=%s", journal.MaxLimit, cursor), &page); err != nil {
			return nil, err
		}
		for _, row := range page.Executions {
			counts[row.Status]++
		}
		if cursor = page.Next; cursor == "" {
			return counts, nil
		}
	}
}
