package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/internal/version"
	"github.com/flowtrux/edge/runtime/journal"
)

// localStore is the engine of the store that is of one machine alone.
const localStore = "embedded"

// maxMachine is the most bytes in the name of a machine.
const maxMachine = 64

// checkMachine checks the name of a machine: it is shown in lists and logs.
func checkMachine(name string) error {
	if name == "" || len(name) > maxMachine {
		return fmt.Errorf("machine '%s' has %d characters; want 1 to %d", name, len(name), maxMachine)
	}
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("machine '%s': want printable ASCII without spaces", name)
		}
	}
	return nil
}

// prepareShared prepares the module of a journal that several machines share. Executions that one
// of them accepts run on all, so that all need the same workflows.
func (a *App) prepareShared(m journal.SharedModule) error {
	if a.mirror.Status().Engine == localStore {
		return errors.New("the journal is shared by several machines, and the store is in this one alone: " +
			"use store etcd, or journal bbolt")
	}
	name := a.Machine
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return fmt.Errorf("the host has no name; set the option machine: %w", err)
		}
	}
	if err := checkMachine(name); err != nil {
		return err
	}
	m.SetMachine(name, version.Version())
	return nil
}

// durability is what an accepted execution survives at the moment.
func (a *App) durability() journal.Durability {
	if a.sharing != nil {
		return a.sharing.CheckedDurability()
	}
	return a.journal.Durability()
}

// machinesWait bounds the reading of the machines for the status.
const machinesWait = time.Second

// machines returns the machines that share the journal; nil if they are not known.
func (a *App) machines(ctx context.Context) []adminapi.MachineStatus {
	if a.sharing == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, machinesWait)
	defer cancel()
	all, err := a.sharing.Machines(ctx)
	if err != nil {
		return nil
	}
	out := make([]adminapi.MachineStatus, len(all))
	for i, m := range all {
		out[i] = adminapi.MachineStatus{Name: m.Name, Version: m.Version, Self: m.Self, LastSeen: m.LastSeen.UTC(), Claims: m.Claims}
	}
	return out
}

// sameNames returns a warning for each name that several machines have.
func sameNames(machines []adminapi.MachineStatus) (warnings []adminapi.Trouble) {
	count := make(map[string]int)
	for _, m := range machines {
		if count[m.Name]++; count[m.Name] == 2 {
			warnings = append(warnings, adminapi.Trouble{
				Where: "journal", Reason: fmt.Sprintf("several machines have the name %s; set the option machine of each", m.Name),
			})
		}
	}
	return warnings
}
