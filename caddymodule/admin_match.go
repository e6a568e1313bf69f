package caddymodule

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/store"
)

// setRevision sets the ETag of what has a revision.
func setRevision(w http.ResponseWriter, revision int64) {
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, revision))
}

// revisionTag matches an ETag of setRevision, also as proxies change it: Caddy's encode adds the
// name of the encoding, nginx makes it weak. A revision identifies the stored bytes in any case.
var revisionTag = regexp.MustCompile(`^(?:W/)?"([0-9]{1,18})(?:-[a-z]+)?"$`)

// precondition is what a request demands of what it replaces; nil = nothing.
type precondition struct{ revision int64 }

// readPrecondition returns the precondition in the headers of a request.
func readPrecondition(r *http.Request) (*precondition, error) {
	match, noneMatch := r.Header.Values("If-Match"), r.Header.Values("If-None-Match")
	switch {
	case len(match) == 0 && len(noneMatch) == 0:
		return nil, nil
	case len(match) > 0 && len(noneMatch) > 0:
		return nil, adminError(http.StatusBadRequest, "If-Match and If-None-Match exclude each other")
	case len(noneMatch) > 0:
		if r.Method == http.MethodDelete {
			return nil, adminError(http.StatusBadRequest, "a DELETE takes If-Match, not If-None-Match")
		}
		if len(noneMatch) > 1 || noneMatch[0] != "*" {
			return nil, adminError(http.StatusBadRequest, "If-None-Match is * here: there must be none yet")
		}
		return &precondition{0}, nil
	case len(match) == 1 && match[0] == "*":
		return &precondition{store.AnyRevision}, nil
	}
	tag := revisionTag.FindStringSubmatch(match[0])
	if len(match) > 1 || tag == nil {
		return nil, adminError(http.StatusBadRequest, `If-Match is * or one revision in quotes, such as "7", as a GET gives it in ETag`)
	}
	revision, err := strconv.ParseInt(tag[1], 10, 64)
	if err != nil || revision == 0 {
		return nil, adminError(http.StatusBadRequest, "If-Match has no revision: they begin with 1")
	}
	return &precondition{revision}, nil
}

// of returns the conditions of a write that replaces a key.
func (p *precondition) of(key string) []store.Condition {
	if p == nil {
		return nil
	}
	return []store.Condition{{Key: key, Revision: p.revision}}
}

// holds reports whether an entry, without a revision if it is missing, may be replaced.
func (p *precondition) holds(e store.Entry) bool {
	return p == nil || store.Condition{Revision: p.revision}.Holds(e)
}

// lag is how long a request waits until this server has a revision that another one has told.
const lag = 2 * time.Second

// reach waits until the mirror has the revision that p names, for requests that need the value.
func (p *precondition) reach(ctx context.Context, m *store.Mirror) {
	if p == nil || p.revision <= m.Status().Revision {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lag)
	defer cancel()
	_ = m.Reach(ctx, p.revision) // there may be no such revision
}

// replaceTries is how often a value is replaced that others change at the same time.
const replaceTries = 20

// replace replaces the value of a key by the result of change, which gets the current one, or nil.
// What others write at the same time is not lost: change is called again. If p does not hold,
// nothing is written, and now is the current entry. Otherwise now is nil.
func (a *App) replace(
	ctx context.Context, p *precondition, key string, change func(old []byte) ([]byte, error),
) (stored store.Entry, now []store.Entry, err error) {
	p.reach(ctx, a.mirror)
	old, _ := a.mirror.Get(key)
	old.Key = key
	for range replaceTries {
		if !p.holds(old) {
			return store.Entry{}, []store.Entry{old}, nil
		}
		value, err := change(old.Value)
		if err != nil {
			return store.Entry{}, nil, err
		}
		put := store.Entry{Key: key, Value: value}
		var is []store.Entry
		put.Revision, is, err = a.mirror.WriteIf(ctx, []store.Condition{{Key: key, Revision: old.Revision}}, []store.Entry{put}, nil)
		if err != nil {
			return store.Entry{}, nil, err
		}
		if is == nil {
			return put, nil, nil
		}
		old = is[0]
	}
	return store.Entry{}, nil, store.ErrContended
}

// conflict writes the response to a request whose precondition p does not hold. now is what the
// store has, without a revision if there is nothing.
func (a *App) conflict(w http.ResponseWriter, p *precondition, now store.Entry) error {
	c := adminapi.Conflict{Revision: now.Revision}
	if id, ok := strings.CutPrefix(now.Key, catalog.WorkflowPrefix); ok && now.Revision != 0 {
		// The mirror has it already, and so has the catalog. It may have changed once more.
		if wf := a.catalog.Workflow(id); wf != nil {
			c.Revision = wf.Revision
			if doc := shownDocument(wf); doc != nil {
				text := string(doc)
				c.Document = &text
			}
		} else {
			c.Revision = 0
		}
	}
	switch {
	case c.Revision == 0:
		c.Message = fmt.Sprintf("there is no %s: it was deleted, or never there", now.Key)
	case p.revision == 0:
		c.Message = fmt.Sprintf("%s is there already, of revision %d", now.Key, c.Revision)
	default:
		c.Message = fmt.Sprintf("%s was changed meanwhile: it is of revision %d now", now.Key, c.Revision)
	}
	if c.Revision != 0 {
		setRevision(w, c.Revision)
	}
	return writeJSON(w, http.StatusPreconditionFailed, c)
}

// deleteKeys deletes the keys of a name and confirms it. The request's precondition is about the
// first key. Without one, missing is the error if this server does not know that key, or nil.
func deleteKeys(app *App, w http.ResponseWriter, r *http.Request, name string, missing error, keys ...string) error {
	p, err := readPrecondition(r)
	if err != nil {
		return err
	}
	if p == nil && missing != nil {
		return missing
	}
	revision, now, err := app.mirror.WriteIf(r.Context(), p.of(keys[0]), nil, keys)
	switch {
	case err != nil:
		return storeError(err)
	case now != nil:
		return app.conflict(w, p, now[0])
	}
	return writeJSON(w, http.StatusOK, adminapi.Deleted{Name: name, Revision: revision})
}
