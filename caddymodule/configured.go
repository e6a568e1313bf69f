package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/journal"
)

// Commands that need no server read its config, and use a part of what it configures.

// journalOf makes the journal of a Caddy config. It is not opened. name is for people and holds no
// secret, and release ends what its module has of the config.
func journalOf(ctx context.Context, config []byte) (j journal.Journal, name string, release context.CancelFunc, err error) {
	a, cancel, err := configuredApp(ctx, config)
	if err != nil {
		return nil, "", nil, err
	}
	m, err := a.loadJournal()
	if shared, ok := m.(journal.SharedModule); ok {
		err = a.nameMachine(shared)
	}
	if err == nil {
		j, err = m.NewJournal()
	}
	if err != nil {
		cancel()
		return nil, "", nil, err
	}
	m.Configure(j)
	if shared, ok := m.(journal.SharedModule); ok {
		return j, shared.JournalName(), cancel, nil
	}
	return j, m.JournalKey(), cancel, nil
}

// fleetWaitOf bounds the asking of a store for its identity.
const fleetWaitOf = 10 * time.Second

// fleetOf returns the fleet of the machines that run with a Caddy config: all those that use its
// store.
func fleetOf(ctx context.Context, config []byte) (fleet string, err error) {
	a, cancel, err := configuredApp(ctx, config)
	if err != nil {
		return "", err
	}
	defer cancel()
	a.life = newLifetime()
	defer func() { err = errors.Join(err, a.life.end()) }()
	if err := a.acquireMirror(); err != nil {
		return "", err
	}
	soon, stop := context.WithTimeout(ctx, fleetWaitOf)
	defer stop()
	fleet, err = a.mirror.Cluster(soon)
	switch {
	case err != nil:
		return "", fmt.Errorf("asking the store which fleet this is: %w", err)
	case fleet == "":
		return "", errors.New("the store is of this machine alone, and makes no fleet: use store etcd")
	}
	return fleet, nil
}

// configuredApp returns the app of a Caddy config with its settings checked, and nothing else.
func configuredApp(ctx context.Context, config []byte) (*App, context.CancelFunc, error) {
	var c struct {
		// The settings of Caddy's apps, by their names.
		Apps map[string]json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, nil, fmt.Errorf("reading the config: %w", err)
	}
	a := new(App)
	switch raw, ok := c.Apps[appName]; {
	case ok:
		if err := caddy.StrictUnmarshalJSON(raw, a); err != nil {
			return nil, nil, fmt.Errorf("reading the settings of the app %s: %w", appName, err)
		}
	// The handler uses an app without settings then.
	case !usesHandler(c.Apps):
		return nil, nil, errors.New("the config does not use flowtrux; name the one that your server runs with")
	}
	caddyContext, cancel := caddy.NewContext(caddy.Context{Context: ctx})
	a.ctx, a.logger = caddyContext, zap.NewNop()
	if err := a.checkConfig(); err != nil {
		cancel()
		return nil, nil, err
	}
	return a, cancel, nil
}

// usesHandler reports whether a route of any app has the handler.
func usesHandler(apps map[string]json.RawMessage) bool {
	for _, raw := range apps {
		var app any
		if json.Unmarshal(raw, &app) == nil && hasHandler(app) {
			return true
		}
	}
	return false
}

// hasHandler looks for the handler in a part of a config. encoding/json bounds how deep that is.
func hasHandler(part any) bool {
	switch part := part.(type) {
	case map[string]any:
		return part["handler"] == appName || slices.ContainsFunc(slices.Collect(maps.Values(part)), hasHandler)
	case []any:
		return slices.ContainsFunc(part, hasHandler)
	}
	return false
}
